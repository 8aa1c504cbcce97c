/* SPDX-License-Identifier: BSD-3-Clause OR GPL-2.0-or-later */
#pragma once

/* The unified hierarchy of control groups, cgroups(7), as a reader on the host sees it. */

#include "common/cleanup.h"

#include <stdbool.h>

#define CONTROL_GROUP_VALUE 24

/*
 * The path in the text of /proc/PID/cgroup: "/user.slice/user-1000.slice/session-4.scope". Malloced; NULL where there
 * is none, or memory ran out.
 */
char *control_group_path(const char *text) _must_check_;

/* What the kernel's files say, "" where there is none: a controller that is not enabled. */
struct control_group {
	char memory_max[CONTROL_GROUP_VALUE]; /* bytes, or "max"; the least of the group and those above it */
	char memory_current[CONTROL_GROUP_VALUE];
	char tasks_max[CONTROL_GROUP_VALUE]; /* likewise */
	char tasks_current[CONTROL_GROUP_VALUE];
	char cpu_weight[CONTROL_GROUP_VALUE];
};

/* Of the group at a path, wherever the hierarchy is mounted. */
void control_group_read(const char *path, struct control_group *ret);

/* The same below a directory that is open: for tests. */
void control_group_read_at(int root, const char *path, struct control_group *ret);
