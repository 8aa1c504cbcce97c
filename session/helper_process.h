/* SPDX-License-Identifier: BSD-3-Clause OR GPL-2.0-or-later */
#pragma once

#include "session/protocol.h"

#include <signal.h>
#include <sys/types.h>

/* A running helper, and what must be given back to the program that we are a guest in. */
struct helper {
	pid_t pid;
	int pidfd;
	int socket; /* our end */
	sigset_t old_mask;
	bool child_signal_pending; /* blocked by the program, and not yet taken */
	struct sigaction old_child_action;
};

/*
 * Starts the program at `path`, argv[0] `name`, with an empty environment, standard streams on /dev/null, `socket` as
 * descriptor 3 and no other, and a session (setsid(2)) of its own. Every signal is blocked in it, for it to let in by
 * signals_let_in(); and what its parent ignores it ignores, execve(2). 0 or -errno.
 */
int helper_spawn(const char *path, const char *name, int socket, pid_t *ret_pid) _must_check_;

/*
 * First of all in what helper_spawn() started. Signals that we or programs that we start depend on have their default
 * action afterwards, whatever the user who began the login program had it ignore.
 */
void signals_let_in(void);

/*
 * Starts the helper at `path` with an empty environment, standard streams on
 * /dev/null, descriptor 3 as its end of a socket pair and no other, and a session (setsid(2)) of its own, as
 * helper_spawn() does. SIGCHLD is blocked and set to SIG_DFL until helper_end(), so that the program's own handler
 * neither reaps it nor is called for it. 0 or -errno, then nothing has changed.
 */
int helper_start(const char *path, struct helper *ret) _must_check_;

/*
 * message_receive() from the helper, but -ECONNRESET at once when it has ended without an answer: the
 * session's init, which holds the same end of the socket, may live on, and ends when we close ours.
 */
int helper_receive(const struct helper *helper, int timeout_ms, struct message *ret, int *fds,
		   size_t *fd_count) _must_check_;

/* Gives the helper a moment to end by itself, then kills it; reaps it; restores the program's signals. */
void helper_end(struct helper *helper);

/* A child that ended and that its program has not yet waited for; it is only looked at, waitid(2) with WNOWAIT. */
bool has_zombie_child(void);
