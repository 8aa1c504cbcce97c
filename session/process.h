/* SPDX-License-Identifier: BSD-3-Clause OR GPL-2.0-or-later */
#pragma once

/* What /proc says of one process, read through one directory descriptor so that a reused pid cannot mix two. */

#include "common/cleanup.h"
#include "common/namespaces.h"

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

/*
 * The directory /proc/PID, for openat(2) and the like only: what is read below it is of this
 * process, or fails when it is gone. -ESRCH when there is none, or -errno.
 */
int process_open(pid_t pid) _must_check_;

/* Inode numbers of a process's namespaces, from /proc/PID/ns; a kind that this kernel has not is 0. -errno. */
int process_namespaces(pid_t pid, uint64_t ret[NAMESPACE_KINDS]) _must_check_;

/* The same of a process by its directory. */
int process_namespaces_at(int process, uint64_t ret[NAMESPACE_KINDS]) _must_check_;

/* One of them. -ENOENT: a kind that this kernel has not, or the process has exited; else -errno. */
int process_namespace(pid_t pid, enum namespace_kind kind, uint64_t *ret) _must_check_;
int process_namespace_at(int process, enum namespace_kind kind, uint64_t *ret) _must_check_;
/* By the directory /proc/PID/ns, which is worth opening for more than two; like process_open(). */
int process_namespaces_open(pid_t pid) _must_check_;
int process_namespace_in(int directory, enum namespace_kind kind, uint64_t *ret) _must_check_;

/*
 * What follows a key such as "\nUid:\t" in the text of a /proc/PID/status; NULL: it is not there. It begins its line:
 * the name in the first line is the process's own choice, and has its newlines escaped by the kernel.
 */
const char *process_status_value(const char *status, const char *key);

/* Start time in clock ticks since boot: field 22 of /proc/PID/stat, proc(5). -errno. */
int process_start_time(pid_t pid, uint64_t *ret) _must_check_;

/*
 * Seconds by which the boot clock of its children is ahead of the machine's, time_namespaces(7): start times that it
 * reads are, too. 0 where this kernel has no time namespaces. -ESRCH; -errno.
 */
int process_boottime_offset(pid_t pid, int64_t *ret) _must_check_;

/* Of a state, as stat and status have it: the process has ended, and at most waits for its parent. */
static inline bool process_has_ended(char state)
{
	return state == 'Z' || state == 'X';
}

/* Likewise, and its state, field 3. */
int process_state(pid_t pid, char *ret_state, uint64_t *ret_start) _must_check_;
