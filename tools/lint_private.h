/* SPDX-License-Identifier: BSD-3-Clause OR GPL-2.0-or-later */
#pragma once

/* Private to lint.c: what is judged beyond the text of one file. Everything goes to diag, most of it as warnings. */

#include "config/decide.h"
#include "config/prefix.h"
#include "session/netlink.h"

/*
 * Reports that logins by `service`, or by any (NULL), would be refused, for the reason of the format, and under mode
 * audit that nothing comes of it yet. remedy: what to do about it, where the reason does not say so, or NULL.
 */
void lint_report_refusal(const struct policy *policy, const struct origin *origin, const char *service,
			 const char *remedy, struct diagnostics *diag, const char *format, ...) _printf_(6, 7);

/*
 * Directories that the session's init would not find here: of the policy for logins by `service`, or by any (NULL).
 * What `general`, that for any, has as well is told there.
 */
void lint_host(const struct policy *general, const struct policy *policy, const char *service,
	       struct diagnostics *diag);

/* What a policy's limits lack here, for logins by `service`, or by any that it has no section for (NULL). */
void lint_limits(const struct policy *policy, const char *service, struct diagnostics *diag);
/* What its network needs of this host; likewise. */
void lint_network(const struct policy *general, const struct policy *policy, const char *service,
		  struct diagnostics *diag);

/* A prefix of network.pool, and where it is given. */
struct pool {
	struct prefix prefix;
	char *file;
	unsigned line;
};

struct pools {
	struct pool *items;
	size_t count;
};

/* 0 or -ENOMEM. */
int pools_add(struct pools *pools, const struct policy *policy) _must_check_;
void pools_release(struct pools *pools);

/* Those of several files that overlap, and are not the same. */
void lint_pools(const struct pools *pools, struct diagnostics *diag);

/* Those of a policy that are in the way of this host's own addresses and networks; netlink: of NETLINK_ROUTE. */
void lint_pool_routes(const struct policy *policy, struct netlink *netlink, struct diagnostics *diag);

/* A group file and its rank. */
struct group_rank {
	char *file;
	int priority;
	unsigned line;   /* of its priority, or 0 */
	char **services; /* or NULL */
};

struct group_ranks {
	struct group_rank *items;
	size_t count;
};

/* 0 or -ENOMEM. */
int group_ranks_add(struct group_ranks *ranks, const struct policy *policy) _must_check_;
void group_ranks_release(struct group_ranks *ranks);

/* Files of one priority of which a login can have several: its name decides, which nobody expects. */
void lint_ranks(const struct group_ranks *ranks, struct diagnostics *diag);

/* Files of users and groups that NSS does not know: with the nearest name that it has. */
void lint_user_name(const char *file, const char *name, struct diagnostics *diag);
void lint_group_name(const char *file, const char *name, struct diagnostics *diag);

/* Services that have no file in pam.d. */
void lint_services(const struct policy *policy, struct diagnostics *diag);

/* A user file of a user who exists. */
struct user_file {
	char *file;
	char *name;
	uid_t uid;
	uint64_t hash; /* of its policy */
};

struct user_files {
	struct user_file *items;
	size_t count;
};

/* Passes over a user whom NSS does not know. 0 or -ENOMEM. */
int user_files_add(struct user_files *users, const struct policy *policy, const char *name) _must_check_;
void user_files_release(struct user_files *users);

/* Other names of their uids, by which other files decide. */
void lint_users(const struct user_files *users, struct diagnostics *diag);
