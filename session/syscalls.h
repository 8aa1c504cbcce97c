/* SPDX-License-Identifier: BSD-3-Clause OR GPL-2.0-or-later */
#pragma once

/* The two system calls that glibc 2.36 does not wrap, and openat2(2)'s way of opening without trusting a path. */

#include "common/cleanup.h"

#include <linux/openat2.h>
#include <linux/sched.h>
#include <sys/syscall.h>

static inline pid_t sys_clone3(struct clone_args *args)
{
	return (pid_t)syscall(SYS_clone3, args, sizeof(*args));
}

static inline int sys_openat2(int directory, const char *path, const struct open_how *how)
{
	return (int)syscall(SYS_openat2, directory, path, how, sizeof(*how));
}

/* Opens an O_PATH directory without following any symbolic or magic link. A descriptor or -errno. */
int open_directory_nofollow(const char *path) _must_check_;
