/* SPDX-License-Identifier: BSD-3-Clause OR GPL-2.0-or-later */
#pragma once

/* Private to lint.c: one walk over the files of a policy directory, or over one file, and what is said of each. */

#include "tools/lint.h"
#include "tools/lint_private.h"

#define POLICY_SUFFIX  ".conf"
#define POLICY_DEFAULT "default" POLICY_SUFFIX

enum lint_place {
	LINT_BASE, /* beside default.conf: only for others to build on */
	LINT_DEFAULT,
	LINT_USER,
	LINT_GROUP,
};

struct lint_walk {
	struct lint *lint;
	struct policy_root root;
	bool live;
	char **sources; /* every file that a policy is made of */
	struct group_ranks ranks;
	struct pools pools;
	struct user_files users; /* only live */
};

void lint_walk_release(struct lint_walk *walk);

/* A file of a directory, while it is judged. */
struct lint_look {
	struct lint *lint;
	const struct policy *general; /* what it is for services that it does not name */
};

/* A policy_visitor's function; context: a struct lint_look. */
void lint_look(void *context, const struct policy *policy, const char *service);

/* The text of a file that is not too long; NULL with 0 after a diagnostic. -errno when it cannot be read. */
int lint_read_policy(int fd, const char *name, struct lint *lint, char **ret, size_t *ret_size) _must_check_;

/* "user" and "group". */
bool lint_is_directory(const char *entry);
bool lint_has_suffix(const char *name);
/* By a name below the policy directory. */
enum lint_place lint_place_of(const char *name);

/* Of the user or group that the file in their directory is for; `shown` is how messages call it. 0 or -ENOMEM. */
int lint_owner(struct lint *lint, enum lint_place place, const char *file, const char *shown) _must_check_;

/* What can only be said of a whole policy. 0 or -ENOMEM. */
int lint_whole_policy(struct lint_walk *walk, enum lint_place place, const struct policy *policy) _must_check_;

/* One file given by its own path: what it says is judged, and in the live directory where it lies, too. 0 or -errno. */
int lint_file(const char *path, struct lint *lint) _must_check_;

/* A policy directory. As lint_path(). */
int lint_tree(const char *path, bool live, struct lint *lint, char **ret_problem) _must_check_;
