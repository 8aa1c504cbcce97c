/* SPDX-License-Identifier: BSD-3-Clause OR GPL-2.0-or-later */
#pragma once

/*
 * What the kernel tells of all processes at once, by iterators of bpf(2): twenty times as fast as /proc. It takes
 * CAP_BPF and CAP_PERFMON or CAP_SYS_ADMIN, Linux 5.8 with its types in /sys/kernel/btf, and 64 bits; where something
 * is missing nothing is known.
 */

#include "tools/task_programs.h"

#include <stdbool.h>

/* Sorted by pid. One that another thread's end, or its own, was in the way of is not among them. */
struct task_facts {
	const struct task_fact *items;
	size_t count;
	size_t size; /* of the mapping */
};

/* Who reads them, a child. */
struct task_facts_reader {
	int file;
	pid_t child; /* 0: none */
};

/* Begins to read, while this process does other things. Where that fails task_facts_take() has nothing. */
void task_facts_start(struct task_facts_reader *ret);

/* Waits for its end. Without facts *ret is empty. */
void task_facts_take(struct task_facts_reader *reader, struct task_facts *ret);

/* For one of which nothing was taken. */
void task_facts_stop(struct task_facts_reader *reader);

/* NULL: not known. */
const struct task_fact *task_facts_find(const struct task_facts *facts, pid_t pid);

/* In clock ticks, as /proc/PID/stat has it. */
uint64_t task_fact_start(const struct task_fact *fact);

void task_facts_release(struct task_facts *facts);
