/* SPDX-License-Identifier: BSD-3-Clause OR GPL-2.0-or-later */
#pragma once

/*
 * Private directories that outlive their sessions: STORE_ROOT/UID/NAME, where NAME is path_encode() of the path that
 * they are seen at. UID is root's alone, so that no user reaches a directory of another, nor their own but
 * in a session; a symbolic link "owner" in it, which is never followed, has the name of the user that it was made for.
 */

#include "common/cleanup.h"
#include "config/path.h"

#include <sys/types.h>

#define STORE_ROOT "/var/lib/nsisolate"

/* Where it is, for people and inspectors; malloced, NULL when memory ran out. */
char *store_path(uid_t uid, const char *path);

/*
 * Opens the directory for `path`, making what is missing: root's, 1777 like a new tmpfs. An O_PATH descriptor; -EPERM:
 * a directory above it is not root's alone; -EEXIST: it was made for a user of another name; -EACCES as
 * trusted_open(); -errno.
 */
int store_open(uid_t uid, const char *user, const char *path) _must_check_;
