/* SPDX-License-Identifier: BSD-3-Clause OR GPL-2.0-or-later */
#pragma once

/* The lines of the auth log about who was in a session by nsinspect(1) enter, when, and what for. */

#include "tools/system_log.h"

#include <stdbool.h>
#include <sys/types.h>

struct enter_log {
	const struct system_log *log;
	const char *session; /* id */
	const char *user;    /* whose session it is */
	const char *service;
	const char *policy;
	bool root;      /* the command runs as root, not as the user */
	char **command; /* ends in NULL; empty: the shell */
	const char *shell;
};

/* `pid` is the command's on the host. Before it runs, and with its status as a shell has it. */
void enter_log_begin(const struct enter_log *log, pid_t pid);
void enter_log_end(const struct enter_log *log, pid_t pid, int status);
