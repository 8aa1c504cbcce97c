/* SPDX-License-Identifier: BSD-3-Clause OR GPL-2.0-or-later */
#pragma once

/* What there is, counted before and after: what a session could leave behind. */

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

#define CENSUS_COUNTS 32

struct census {
	long counts[CENSUS_COUNTS]; /* -1: cannot be read on this kernel */
};

void census_take(struct census *ret);

/* True when nothing has grown beyond what others on the machine may explain. */
bool census_compare(const struct census *before, const struct census *after, bool print);

/* Records of sessions and of logins on the host, and sockets of sessions that later logins may join. */
long count_records(void);
long count_join_sockets(void);
void print_join_sockets(void);

/* Processes of this name, as the kernel cuts it (proc(5)); the pids of the first `size` of them. */
size_t find_processes(const char *name, pid_t *ret, size_t size);
bool has_name(pid_t pid, const char *name);

/* A line of /proc/meminfo, in kB. */
long memory_kb(const char *name);

/* What a process has of memory, each shared page divided by those who share it, in kB; -1: it has gone. */
long pss_kb(pid_t pid);
