/* SPDX-License-Identifier: BSD-3-Clause OR GPL-2.0-or-later */
#pragma once

/* Mode audit: what a plan would meet, found out without carrying it out. */

#include "session/plan.h"

/*
 * Looks for the mount points of the plan's init steps, in the caller's mount namespace, as the init would resolve
 * them. 0, or -errno with *ret_failed set to the first step that would fail.
 */
int audit_mount_points(const struct plan *plan, const struct step **ret_failed) _must_check_;
