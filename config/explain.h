/* SPDX-License-Identifier: BSD-3-Clause OR GPL-2.0-or-later */
#pragma once

/* Every effective value of a policy as text: for `nsinspect policy`, and for the hash. Pure. */

#include "common/cleanup.h"
#include "config/policy.h"

/*
 * One value: key is dotted, with the title of a section in double quotes:
 * "network.mode", "mount.private \"/tmp\".size". value is canonical text, as a
 * policy file would give it ("512m", "false", ""). Strings live for the call only.
 * Returning anything but 0 stops the walk.
 */
typedef int (*policy_value_fn)(const char *key, const char *value, const struct origin *origin, void *data);

/* Calls fn for every value in the order of the key table. 0, what fn returned, or -ENOMEM. */
int policy_foreach_value(const struct policy *policy, policy_value_fn fn, void *data) _must_check_;

/* FNV-1a, 64 bits, over "KEY=VALUE\n" of every value in that order but those
 * that say whom the file is for: what policy->hash holds. 0 or -ENOMEM. */
int policy_hash(const struct policy *policy, uint64_t *ret) _must_check_;
