/* SPDX-License-Identifier: BSD-3-Clause OR GPL-2.0-or-later */
#pragma once

/* The programs that the kernel runs for each task, and for each file that a task has open. */

#include "common/namespaces.h"
#include "tools/bpf_program.h"
#include "tools/btf.h"

#include <sys/types.h>

/* What the first writes, for each process in the PID namespace of who reads, or below. */
struct task_fact {
	uint64_t start; /* nanoseconds since boot */
	int32_t pid;    /* where the reader is */
	uint32_t real_uid;
	uint32_t exit_state;                  /* not 0: its first thread has ended */
	uint32_t namespaces[NAMESPACE_KINDS]; /* 0: not known, also where it is about to end */
	char name[16];                        /* as it calls itself */
	uint32_t holds_namespace; /* the reader's to fill, by what the second program writes: pids, 4 bytes each */
};

/*
 * *ret_attach: what each runs for, an attach_btf_id. From the kernel's own types; errors are those of btf_find(), or
 * -E2BIG.
 */
int task_programs_make(const void *btf, size_t size, struct bpf_program *ret_tasks, uint32_t *ret_tasks_attach,
		       struct bpf_program *ret_files, uint32_t *ret_files_attach) _must_check_;
