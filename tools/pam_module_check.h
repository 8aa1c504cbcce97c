/* SPDX-License-Identifier: BSD-3-Clause OR GPL-2.0-or-later */
#pragma once

/* What must be true of the module and its arguments before a stack may name them: a mistake there locks everyone out.
 */

#include "common/cleanup.h"

/*
 * The module file must exist, belong to root and load. 0 and how a PAM line
 * must name it (its file name if libpam looks in that directory, else the
 * path); or -errno with *ret_problem.
 */
int module_check(const char *path, char **ret_name, char **ret_problem) _must_check_;

/*
 * Arguments as the administrator gave them. 0 and the quoted, NULL-terminated
 * list; -EINVAL with *ret_problem: one that the module would refuse each login for.
 */
int arguments_check(const char *const *arguments, char ***ret_quoted, char **ret_problem) _must_check_;
void arguments_release(char **arguments);

/*
 * What these (quoted) arguments need of the host: a policy directory that the module takes, see
 * policy_directory_open(), and groups that NSS knows. 0 or -errno with *ret_problem. Warns on stderr
 * about an absent default.conf and unknown users.
 */
int host_check(const char *const *arguments, char **ret_problem) _must_check_;
