/* SPDX-License-Identifier: BSD-3-Clause OR GPL-2.0-or-later */
#pragma once

#include <signal.h>
#include <sys/prctl.h>
#include <unistd.h>

/* As fork(2), but the child ends with this process, prctl(2): also one whose parent has ended before it could say so.
 */
static inline pid_t fork_bound_child(void)
{
	const pid_t parent = getpid();
	const pid_t child = fork();

	if (child == 0) {
		(void)prctl(PR_SET_PDEATHSIG, SIGKILL);
		if (getppid() != parent)
			_exit(1);
	}
	return child;
}
