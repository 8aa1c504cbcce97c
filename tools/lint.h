/* SPDX-License-Identifier: BSD-3-Clause OR GPL-2.0-or-later */
#pragma once

/* Every problem of a policy file or directory at once. */

#include "common/cleanup.h"
#include "config/diagnostics.h"
#include "config/decide.h"

#include <stdbool.h>
#include <stddef.h>

struct lint {
	struct diagnostics diag;
	size_t files;                         /* judged, readable or not */
	const struct policy_visitor *visitor; /* of each file; or NULL */
};

/*
 * Lints what is at `path`: a file, or a directory with user/, group/ and
 * default.conf, whose private directories must be on this host. `visitor` may be NULL. `live`: it decides logins, so
 * owners, modes, and whether users and groups exist matter too. 0, or -errno with *ret_problem when it cannot be read
 * at all.
 */
int lint_path(const char *path, bool live, const struct policy_visitor *visitor, struct lint *ret,
	      char **ret_problem) _must_check_;

/*
 * Lints what can be read from `fd` as if it were the file `name` ("group/students.conf") of the policy directory
 * `path`, where what it extends is looked for whoever owns it. `live`: that decides logins, so whether the user or
 * group exists matters, too; when it cannot be opened, there is nothing to extend. 0, or -errno with *ret_problem,
 * which may stay NULL.
 */
int lint_input(int fd, const char *name, const char *path, bool live, struct lint *ret,
	       char **ret_problem) _must_check_;

/* "; did you mean 'alice'?" for a name that NSS does not know, or ""; malloced, NULL when memory ran out. */
char *near_user(const char *name);

void lint_release(struct lint *lint);
