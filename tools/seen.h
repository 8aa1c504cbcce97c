/* SPDX-License-Identifier: BSD-3-Clause OR GPL-2.0-or-later */
#pragma once

/* What a path leads to inside a session. */

#include "tools/mounts.h"

#include <sys/stat.h>

struct seen {
	const struct mount_entry *mount; /* of the list, on which it lies */
	bool is_root;                    /* it is where that is mounted */
	struct statx status;             /* which file it is */
};

/* The root directory of a process, for seen_find(); or -errno. */
int seen_root(pid_t pid) _must_check_;

/*
 * Resolves an absolute path as a process with this root does, with links, and finds its mount in `mounts`, those of
 * that process. 0; -ENOENT: nothing is there; -ESRCH: it is on a mount that the list does not have; -errno.
 */
int seen_find(int root, const char *path, const struct mount_list *mounts, struct seen *ret) _must_check_;
