/* SPDX-License-Identifier: BSD-3-Clause OR GPL-2.0-or-later */
#pragma once

/* Where a directory of the session's own may lie, and which files a policy may build on. Pure. */

#include "common/cleanup.h"
#include "config/expand.h"

/*
 * Normalises the title of private "PATH" and judges it: absolute, no "..", not
 * "/", not within /proc, /sys, /dev or /run, which the session has its own way
 * with, and nothing that would hide the policies or the helper from a login
 * inside. Expansions only where no value of theirs could lead there. 0 and a malloced path; -EINVAL with
 * *ret_problem, a malloced sentence; -ENOMEM.
 */
int private_path_parse(const char *text, char **ret, char **ret_problem) _must_check_;

/*
 * A path of private_path_parse() with its expansions replaced. Values come from NSS and the host, so the result
 * is judged once more. 0 and a malloced path, normalised; -EINVAL with *ret_problem; -ENOMEM.
 */
int private_path_expand(const char *path, const struct expansion *values, char **ret, char **ret_problem) _must_check_;

/* An absolute path of a file, without ".." and expansions: normalised. Likewise. */
int host_file_parse(const char *text, char **ret, char **ret_problem) _must_check_;

/*
 * "NAME", "user/NAME" or "group/NAME", with or without ".conf", to a name below the policy directory that ends with it.
 * 0 and a malloced name; -EINVAL with *ret_problem, a malloced sentence; -ENOMEM.
 */
int policy_name_parse(const char *text, char **ret, char **ret_problem) _must_check_;
