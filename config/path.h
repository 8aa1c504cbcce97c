/* SPDX-License-Identifier: BSD-3-Clause OR GPL-2.0-or-later */
#pragma once

/* Where the directories of mount keys may lie, and which files a policy may build on. Pure. */

#include "common/cleanup.h"
#include "config/expand.h"

#include <stdbool.h>

/* What a path of a policy is for. */
enum path_use {
	PATH_PRIVATE,   /* private "PATH" */
	PATH_BIND,      /* bind "PATH" */
	PATH_SOURCE,    /* what is seen there */
	PATH_HIDE,      /* an item of hide */
	PATH_READ_ONLY, /* an item of read-only */
	PATH_HOMES,     /* an item of homes-roots */
	PATH_HOME,      /* a user's home directory, by NSS */
	PATH_USES,
};

/*
 * Normalises a path and judges it: absolute, no "..", not "/", not within /proc, /sys and /dev, which the session has
 * its own way with. One that is private, covered or a source must not be within /run, a hidden or read-only one must
 * not be, or contain, what the session has of its own there. Nothing may hide the policies or the helper from a login
 * inside. Expansions only where no value of theirs could lead there. 0 and a malloced path; -EINVAL with *ret_problem,
 * a malloced sentence; -ENOMEM.
 */
int mount_path_parse(const char *text, enum path_use use, char **ret, char **ret_problem) _must_check_;

/*
 * A path of mount_path_parse() with its expansions replaced. Values come from NSS and the host, so the result
 * is judged once more. 0 and a malloced path, normalised; -EINVAL with *ret_problem; -ENOMEM.
 */
int mount_path_expand(const char *path, enum path_use use, const struct expansion *values, char **ret,
		      char **ret_problem) _must_check_;

/* A user's home directory as NSS has it: judged likewise, and nothing in it expands. */
int home_path_parse(const char *text, char **ret, char **ret_problem) _must_check_;

/* An item of a list of paths: a leading '-' lets it be missing, and is kept. Otherwise like mount_path_parse(). */
int listed_path_parse(const char *text, enum path_use use, char **ret, char **ret_problem) _must_check_;

static inline bool listed_path_may_be_missing(const char *item)
{
	return item[0] == '-';
}

static inline const char *listed_path(const char *item)
{
	return item + listed_path_may_be_missing(item);
}

/*
 * The path as the name of one file, and no other path's: "%2Fvar%2Ftmp" for "/var/tmp", with '%' as "%25"; malloced,
 * NULL when memory ran out.
 */
char *path_encode(const char *path);

/* An absolute path of a file, without ".." and expansions: normalised. Likewise. */
int host_file_parse(const char *text, char **ret, char **ret_problem) _must_check_;

/*
 * "NAME", "user/NAME" or "group/NAME", with or without ".conf", to a name below the policy directory that ends with it.
 * 0 and a malloced name; -EINVAL with *ret_problem, a malloced sentence; -ENOMEM.
 */
int policy_name_parse(const char *text, char **ret, char **ret_problem) _must_check_;
