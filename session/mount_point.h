/* SPDX-License-Identifier: BSD-3-Clause OR GPL-2.0-or-later */
#pragma once

/* Where a step mounts, resolved once. */

#include "session/plan.h"

/*
 * An O_PATH descriptor of the step's target, a directory. What takes something away is resolved by trusted_open(), for
 * a user must not be able to move it out of the way; what gives something, without following any link. -errno.
 */
int mount_point_open(const struct step *step) _must_check_;

/* An O_PATH descriptor of the directory that a STEP_MOUNT_BIND shows, resolved by trusted_open(). -errno. */
int mount_source_open(const struct step *step) _must_check_;
