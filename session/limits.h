/* SPDX-License-Identifier: BSD-3-Clause OR GPL-2.0-or-later */
#pragma once

/*
 * What a policy's section limits says beside what the kernel holds a process to, cgroups(7). Nothing here sets a limit:
 * pam_systemd(8) does, from what the module's first line hands to it, and this looks whether it did.
 */

#include "common/cleanup.h"
#include "config/policy.h"

#include <stdbool.h>

enum limit { LIMIT_MEMORY, LIMIT_TASKS, LIMIT_CPU_WEIGHT, LIMIT_KINDS };

#define LIMIT_NONE UINT64_MAX

/* How much a process's own group gives, and the least of it and those above it. */
struct limit_seen {
	char *group;         /* below the mount of its hierarchy; malloced */
	const char *file;    /* "memory.max", or of cgroup v1 "memory.limit_in_bytes" */
	uint64_t own, least; /* LIMIT_NONE: no limit */
	bool old;            /* cgroup v1, where a weight is 1024 in 100 */
};

void limit_seen_release(struct limit_seen *seen);

/* The word of the policy language: "memory", "tasks", "cpu-weight". */
const char *limit_name(enum limit limit);

/* What the policy wants of one, LIMIT_NONE for nothing. */
uint64_t limit_wanted(const struct limits *limits, enum limit limit);

/* True when none is wanted. */
bool limits_are_none(const struct limits *limits);
bool limits_equal(const struct limits *left, const struct limits *right);

/* "memory=512m tasks=200", only of what is wanted; malloced, NULL when memory ran out. */
char *limits_format(const struct limits *limits);

/*
 * Reads one limit of a process from the text of its /proc/PID/cgroup and the file systems that are mounted here. 0;
 * -ENOENT, or -EXDEV above what is seen here, cgroup_namespaces(7): it has no such group here, or its controller is
 * off; *ret is filled but for the values, and to be released in any case; -errno.
 */
int limit_read(const char *text, enum limit limit, struct limit_seen *ret) _must_check_;

/* The same of the group at a path below the directory of its hierarchy, into `seen`, whose file says which: for tests.
 */
int limit_read_at(int root, const char *path, struct limit_seen *seen) _must_check_;

/* True if the group's own value is what is wanted, but for what the kernel and systemd round. */
bool limit_is_exact(const struct limit_seen *seen, enum limit limit, uint64_t wanted);

/* What the kernel has of what is wanted: "memory=512m tasks=max cpu-weight=?"; malloced, NULL when memory ran out. */
char *limits_seen_format(const char *text, const struct limits *wanted);

/*
 * Why a process is not held to what is wanted: NULL if it is, else a malloced sentence in *ret. exact: its own group
 * must say so; else, where it is in the group of another login, that or one above must say it or less, and its weight
 * is that login's. 0; -EINVAL with *ret; -errno.
 */
int limits_judge(const char *text, const struct limits *wanted, bool exact, char **ret) _must_check_;
