/* SPDX-License-Identifier: BSD-3-Clause OR GPL-2.0-or-later */
#pragma once

/*
 * While the command runs: signals are passed on to it, bytes between its terminal or pipes and the caller's streams,
 * its end is awaited.
 */

#include "tools/pipes.h"
#include "tools/terminal.h"

#include <signal.h>

struct signals {
	sigset_t before;  /* the caller's mask */
	sigset_t handled; /* blocked, and read from fd */
	int fd;
	bool job_control; /* there is a terminal, and so perhaps a shell that knows of stopped jobs */
};

/*
 * Blocks the signals that are passed on. One that the caller ignores, as nohup(1) does, stays ignored, by the command,
 * too. 0 or -errno; to be released in any case.
 */
int signals_hold(struct signals *ret) _must_check_;
void signals_release(struct signals *signals);

/* What bytes are passed through; NULL: none. */
struct streams {
	struct terminal *terminal;
	struct pipes *pipes;
};

/* Until the command has ended. 0 and a status as of waitpid(2), or -errno. */
int supervise(pid_t command, const struct signals *signals, const struct streams *streams,
	      int *ret_status) _must_check_;

/* The status of a command as a shell has it, of one as of waitpid(2). */
int status_of(int status);
