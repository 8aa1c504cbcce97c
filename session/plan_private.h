/* SPDX-License-Identifier: BSD-3-Clause OR GPL-2.0-or-later */
#pragma once

/* Private to those who make plans: what adds to one, and takes away. */

#include "session/plan.h"

/* Appends a copy of `step` whose strings the plan owns. 0 or -ENOMEM. */
int plan_add_step(struct plan *plan, struct step step) _must_check_;

/* Frees what a plan's step points at. */
void step_release(struct step *step);

/* Where the session has a new network namespace: from here on steps need it. Added once. 0 or -ENOMEM. */
int plan_add_network_new(struct plan *plan, const struct policy *policy) _must_check_;

/* Every step that mounts, but the one that locks the mounts; none without mount.isolate. As plan_make() returns. */
int plan_add_mounts(struct plan *plan, const struct policy *policy, const struct plan_login *login,
		    char **ret_problem) _must_check_;
