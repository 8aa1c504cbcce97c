/* SPDX-License-Identifier: BSD-3-Clause OR GPL-2.0-or-later */
#pragma once

/*
 * Whether a process of a user belongs into a session, decided once for a user and a way in.
 *
 * Where the service is known through which it came, its policy for that service decides; else the process belongs into
 * a session only if every service of this host would have isolated its user, from wherever they logged in. root is
 * never judged; system users, whose daemons are started without a login, only where the service is known.
 */

#include "tools/audit_services.h"

#include <stdbool.h>
#include <sys/types.h>

struct audit_user;

struct audit_users {
	const struct audit_services *services;
	struct audit_user *items; /* sorted by uid and service */
	size_t count;
};

/*
 * 1: it belongs into a session, *ret_name is the user and *ret_policy the file that says so, both the cache's; 0: not,
 * or nobody can say (a policy that cannot be used is another finding); -ENOMEM. service: NULL where it is not known.
 */
int audit_user_is_restricted(struct audit_users *users, uid_t uid, const char *service, const char **ret_name,
			     const char **ret_policy) _must_check_;
void audit_users_release(struct audit_users *users);
