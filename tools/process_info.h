/* SPDX-License-Identifier: BSD-3-Clause OR GPL-2.0-or-later */
#pragma once

/* One process as /proc shows it, read below one directory descriptor. */

#include "common/cleanup.h"
#include "session/process.h"

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#define PID_LEVELS 33 /* MAX_PID_NS_LEVEL of the kernel is 32, and the initial one */

struct process_info {
	pid_t pid, parent; /* in the reader's PID namespace; parent 0: not visible from here */
	uid_t uid;         /* effective */
	uid_t real_uid;
	char state;               /* proc_pid_stat(5): 'R', 'S', 'D', 'Z', … */
	uint64_t start;           /* clock ticks since boot */
	uint64_t cpu;             /* seconds of user and system time */
	uint64_t memory;          /* resident bytes */
	pid_t levels[PID_LEVELS]; /* its pid in every PID namespace from the reader's inward */
	size_t level_count;
	char *command; /* the arguments joined by spaces, or "[NAME]"; hostile text */
};

/* Fills only what /proc/PID/stat tells: parent, state, start, cpu and memory. Errors as below. */
int process_stat_read(int process, struct process_info *ret) _must_check_;

/*
 * Fills what /proc/PID/status tells: pid, parent, state, both uids and levels. *ret_text, malloced, is what it says.
 * Errors as below.
 */
int process_status_read(int process, struct process_info *ret, char **ret_text) _must_check_;

/* 0; -ESRCH when the process is gone; or -errno. */
int process_info_read(int process, struct process_info *ret) _must_check_;
void process_info_release(struct process_info *info);

/* As read_head() has it, of a file of /proc; -ESRCH when the process is gone. ret_size may be NULL. */
int process_file_read(int process, const char *name, size_t limit, char **ret, size_t *ret_size) _must_check_;

/*
 * A process whose first thread has ended looks like a zombie, without namespaces, while others run on: the directory of
 * one that does. A descriptor, or -ESRCH.
 */
int process_open_live_thread(int process) _must_check_;

/* True for a process that has ended and waits for its parent. */
static inline bool process_is_zombie(const struct process_info *info)
{
	return process_has_ended(info->state);
}
