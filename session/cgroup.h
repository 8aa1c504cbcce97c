/* SPDX-License-Identifier: BSD-3-Clause OR GPL-2.0-or-later */
#pragma once

/* Control groups, cgroups(7), of version 1 and 2, and of both beside each other. */

#include "common/cleanup.h"

#define CGROUPS_MAX (16 * 1024) /* bytes of a /proc/PID/cgroup */

/* One line of /proc/PID/cgroup. */
struct cgroup {
	const char *controllers; /* "cpu,cpuacct", "name=systemd", or "" for version 2 */
	const char *path;        /* "/user.slice" */
};

/*
 * The next line of such a text, which is cut up on the way; *text is NULL behind the last one. 1; 0: there is none;
 * -EBADMSG.
 */
int cgroup_next(char **text, struct cgroup *ret) _must_check_;

/* Where the hierarchy that has these controllers is mounted: malloced; NULL where it is not, or memory ran out. */
char *cgroup_mount_find(const char *controllers);

/*
 * A group below the directory of a mount, O_PATH. Whoever has a hierarchy delegated names the groups in it: no link is
 * followed, and nothing above is reached. A descriptor or -errno.
 */
int cgroup_open(int root, const char *path) _must_check_;

/* The text of the calling process's /proc/PID/cgroup, malloced. 0 or -errno. */
int cgroups_read_own(char **ret) _must_check_;

/*
 * Moves the calling process into the groups that a text in the form of /proc/PID/cgroup names, by the file systems that
 * are mounted here, and nowhere where it is in them already. 0; or -errno with *ret_text (malloced sentence, or NULL):
 * a group that is frozen (-EBUSY, since nobody could tell when this process would run again), is gone, or does not take
 * it.
 */
int cgroups_join(const char *wanted, char **ret_text) _must_check_;
