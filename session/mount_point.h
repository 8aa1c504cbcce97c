/* SPDX-License-Identifier: BSD-3-Clause OR GPL-2.0-or-later */
#pragma once

/* Where a step mounts, resolved once. */

#include "session/plan.h"

/*
 * An O_PATH descriptor of the step's target, a directory. What takes something away is resolved by trusted_open(), for
 * a user must not be able to move it out of the way; what gives something, without following any link. -errno.
 */
int mount_point_open(const struct step *step) _must_check_;

/*
 * Whether a home can be shown of the directory that a STEP_MOUNT_HOMES covers: 0; -EOPNOTSUPP: it is an automounter's,
 * which takes away homes that are idle on the host, whoever has a copy; -errno.
 */
int homes_root_check(int root) _must_check_;

/*
 * An O_PATH descriptor of the directory that a STEP_MOUNT_BIND shows, resolved by trusted_open(); or of the home that a
 * STEP_MOUNT_HOMES leaves, by trusted_open_below(): and as homes_root_check(). -errno.
 */
int mount_source_open(const struct step *step) _must_check_;
