/* SPDX-License-Identifier: BSD-3-Clause OR GPL-2.0-or-later */
#pragma once

/* What the parts of nsrun(1) share. */

#include "common/cleanup.h"

#include <stdbool.h>

/* As env(1), chroot(1) and their kin have it; every other status is the command's. */
enum nsrun_exit {
	EXIT_NSRUN = 125,         /* nsrun failed or refused: there was no command */
	EXIT_CANNOT_INVOKE = 126, /* the command is there but cannot be run */
	EXIT_NOT_FOUND = 127,     /* there is no such command */
	EXIT_SIGNAL = 128,        /* plus the number of the signal that ended the command */
};

/* The command line. */
struct nsrun {
	const char *user; /* NULL: root */
	const char *file; /* the policy file of -p, or NULL */
	const char *service;
	const char *from;
	bool terminal;
	bool dry_run;
	bool preserve_environment;
	bool unisolated_ok;
	bool die_with_parent;
	char **command; /* ends in NULL; empty: the user's login shell */
};

/* One line on standard error, made fit for a terminal, and EXIT_NSRUN. */
int nsrun_fail(const char *format, ...) _printf_(1, 2);

/* Prints the plan. An exit status. */
int nsrun_plan(const struct nsrun *nsrun);

/* Runs the command in a session. An exit status. */
int nsrun_run(const struct nsrun *nsrun);
