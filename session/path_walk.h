/* SPDX-License-Identifier: BSD-3-Clause OR GPL-2.0-or-later */
#pragma once

/*
 * An absolute path taken component by component from a descriptor of the root, and what symbolic links on the way say,
 * path_resolution(7). Which component may be passed, or followed, is the caller's to judge.
 */

#include "common/cleanup.h"

#include <stdbool.h>

struct path_walk {
	int at;     /* what has been reached; the walk's own */
	char *rest; /* of the path, from there; malloced */
	unsigned links;
};

/* At the root. 0 or -errno; to be released in either case. */
int path_walk_start(struct path_walk *walk, const char *path) _must_check_;

/* At a directory, below which `path` is relative. Likewise. */
int path_walk_start_at(struct path_walk *walk, int directory, const char *path) _must_check_;

/* Takes the next component off the rest: malloced, "" when there is none. NULL: no memory. */
char *path_walk_next(struct path_walk *walk) _must_check_;

/* No component is left. */
bool path_walk_is_over(const struct path_walk *walk);

/* Goes on at `fd`, which becomes the walk's own. */
void path_walk_enter(struct path_walk *walk, int fd);

/* Goes on as the link says, of which `link` is an O_PATH descriptor. 0; -ELOOP: more than links_max of them; -errno. */
int path_walk_follow(struct path_walk *walk, int link, unsigned links_max) _must_check_;

void path_walk_release(struct path_walk *walk);
