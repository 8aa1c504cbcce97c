/* SPDX-License-Identifier: BSD-3-Clause OR GPL-2.0-or-later */
#pragma once

/*
 * A session in a user namespace of its own, user_namespaces(7), with the identity map. Its init is born there and owns
 * its other namespaces; but what is mounted, a process of the maker's user namespace mounts. The session then gets a
 * copy of that mount table in which everything is locked together, mount_namespaces(7): root inside takes nothing away.
 */

#include "session/plan.h"

/* Every id but the last, which is none, user_namespaces(7). */
#define USER_MAP_IDENTITY_TEXT "0 0 4294967295"

static inline bool plan_has_user_map(const struct plan *plan)
{
	return plan_find(plan, STEP_USER_MAP) != NULL;
}

/* Writes both maps of a process in a new user namespace. 0; or -errno with *ret_object, the file's name. */
int user_map_write(pid_t pid, const char **ret_object) _must_check_;

/*
 * Has a child go where the init is, but not into its user namespace, and run the plan's steps of place init there. The
 * report of it goes to `steps`, which is closed when the child and all that it started are gone. 0 or -errno when there
 * is no child.
 */
int user_map_run_steps(const struct plan *plan, int init_pidfd, int steps) _must_check_;
