/* SPDX-License-Identifier: BSD-3-Clause OR GPL-2.0-or-later */
#pragma once

/* Settings of a file over the built-in defaults: the effective policy, with its origins and hash. */

#include "common/cleanup.h"
#include "config/check.h"
#include "config/policy.h"

/* Takes the values out of `settings`. 0 or -ENOMEM. */
int policy_merge(const char *file, struct settings *settings, struct policy **ret) _must_check_;
