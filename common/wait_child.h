/* SPDX-License-Identifier: BSD-3-Clause OR GPL-2.0-or-later */
#pragma once

#include "common/error.h"

#include <sys/wait.h>

/*
 * waitpid(2), again where a signal interrupted it. The child's PID and *ret_status, which may be NULL; 0 with WNOHANG
 * where it has not ended; -errno: ECHILD for one that is nobody's to reap any more.
 */
static inline pid_t wait_child(pid_t child, int flags, int *ret_status)
{
	pid_t ended;

	do
		ended = waitpid(child, ret_status, flags);
	while (ended < 0 && errno == EINTR);
	return ended < 0 ? negative_errno() : ended;
}
