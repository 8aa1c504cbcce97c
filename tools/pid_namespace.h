/* SPDX-License-Identifier: BSD-3-Clause OR GPL-2.0-or-later */
#pragma once

/* How PID namespaces lie within each other, from the kernel alone: ioctl_nsfs(2). */

#include "common/cleanup.h"

#include <stdint.h>
#include <sys/types.h>

/*
 * The inode number of the PID namespace right above that of a process, which must be `expected`. -ESRCH: the process
 * is gone, or in another; -EPERM: it is the reader's own, or outside of that; -errno.
 */
int pid_namespace_parent_of(pid_t pid, uint64_t expected, uint64_t *ret) _must_check_;

/* Likewise, of a process by its directory in /proc. */
int pid_namespace_parent_at(int process, uint64_t expected, uint64_t *ret) _must_check_;
