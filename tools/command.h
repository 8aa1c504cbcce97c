/* SPDX-License-Identifier: BSD-3-Clause OR GPL-2.0-or-later */
#pragma once

/* From fork(2) to execve(2): the process that becomes the command. */

#include "config/find.h"

#include <signal.h>
#include <sys/types.h>

struct command {
	const struct identity *identity;
	const struct group_list *groups; /* all of the user's, known before the session: NSS may not answer inside */
	const char *shell;
	char **arguments; /* empty: the shell as a login shell */
	char **environment;
	const sigset_t *mask; /* signals as the caller of this program had them */
	int terminal;         /* the slave of a terminal of its own, or -1: standard streams as they are */
	bool same_user;       /* the process is the user already, and cannot be another */
	bool keep_directory;  /* the working directory is the caller's; else the home directory or "/" */
};

/* Whether there are three standard streams: one that is closed becomes /dev/null. False with errno. */
bool command_streams_are_open(void) _must_check_;

/*
 * Becomes the command, in a process with one thread, of root's or of its user: that user, without the descriptors,
 * keyrings, terminal and capabilities that it had, then execve(2). Ends with this process's parent. `parent` is a
 * descriptor that poll(2) tells of once that has ended: a pidfd, or a socket whose other end it alone has.
 */
_Noreturn void command_become(const struct command *command, int parent);

/* Forks it. The command's PID, as seen from here, or -errno. Signals must be blocked, and stay so here. */
pid_t command_start(const struct command *command) _must_check_;
