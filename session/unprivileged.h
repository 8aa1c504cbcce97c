/* SPDX-License-Identifier: BSD-3-Clause OR GPL-2.0-or-later */
#pragma once

/*
 * A session that a user makes without root, in a user namespace that maps nothing but that user, user_namespaces(7):
 * what of a policy cannot be had there, and the plan of what can. Pure.
 */

#include "config/policy.h"
#include "session/plan.h"

/*
 * What of the policy takes root: a sentence each, with place, value and remedy, appended to *refusals (text_list.h).
 * 0 or -ENOMEM.
 */
int unprivileged_refusals(const struct policy *policy, char ***refusals) _must_check_;

/* Who the user is, and is to be inside. */
struct own_ids {
	uid_t uid;
	gid_t gid;
	bool map_root; /* both are 0 inside, else themselves */
};

/*
 * Makes a plan one that needs no root, in a user namespace of the user's own: without a record, nor any step of what is
 * refused. 0 or -ENOMEM.
 */
int unprivileged_plan(struct plan *plan, const struct own_ids *ids) _must_check_;
