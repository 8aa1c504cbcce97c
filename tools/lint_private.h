/* SPDX-License-Identifier: BSD-3-Clause OR GPL-2.0-or-later */
#pragma once

/* Private to lint.c: what is judged beyond the text of one file. Everything goes to diag, most of it as warnings. */

#include "config/decide.h"

/* Directories that the session's init would not find here. */
void lint_host(const struct policy *policy, struct diagnostics *diag);

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
