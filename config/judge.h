/* SPDX-License-Identifier: BSD-3-Clause OR GPL-2.0-or-later */
#pragma once

/*
 * Private to find.c: which directories and files may hold a policy, judged by
 * descriptor; and the groups of a user as NSS knows them. Everything that
 * find.h says about running inside foreign processes holds here.
 */

#include "common/cleanup.h"
#include "config/find.h"

/*
 * Opens a directory, called `shown` in sentences, for reading: a real one, of root and not group- or
 * world-writable (unless FIND_ANY_OWNER). 0; -ENOENT, without a problem; -errno
 * with *ret_problem, a malloced sentence that names it, or NULL when memory ran out.
 */
int judge_directory(int parent_fd, const char *name, const char *shown, unsigned flags, int *ret_fd,
		    char **ret_problem) _must_check_;

/*
 * The same for a policy file: regular and at most POLICY_FILE_MAX bytes. `name` has no '/'. The sentence does not
 * name the file: it is shown behind "user/NAME.conf: ".
 */
int judge_file(int directory_fd, const char *name, unsigned flags, int *ret_fd, char **ret_problem) _must_check_;

/* identity_in_group() with the list already made. */
int identity_in_group_of(const struct identity *identity, const struct group_list *groups,
			 const char *group) _must_check_;
