/* SPDX-License-Identifier: BSD-3-Clause OR GPL-2.0-or-later */
#pragma once

/* Private to those who make plans: what adds to one, and takes away. */

#include "session/plan.h"

/* Appends a copy of `step` whose strings the plan owns. 0 or -ENOMEM. */
int plan_add_step(struct plan *plan, struct step step) _must_check_;

/* Frees what a plan's step points at. */
void step_release(struct step *step);

/* Every step that mounts, but the next and the one that locks the mounts; none without mount.isolate. As
 * plan_make() returns. */
int plan_add_mounts(struct plan *plan, const struct policy *policy, const struct plan_login *login,
		    char **ret_problem) _must_check_;

/* Below /sys, of which sysfs(5) shows the network of who mounts it. None of the other mounts is in or above it. */
int plan_add_sys(struct plan *plan, const struct policy *policy) _must_check_;
