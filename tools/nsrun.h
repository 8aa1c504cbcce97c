/* SPDX-License-Identifier: BSD-3-Clause OR GPL-2.0-or-later */
#pragma once

/* What the parts of nsrun(1) share. */

#include <stdbool.h>

/* The command line. */
struct nsrun {
	const char *user; /* NULL: root, or who is not root themselves */
	const char *file; /* the policy file of -p, or NULL */
	const char *service;
	const char *from;
	bool terminal;
	bool dry_run;
	bool preserve_environment;
	bool unisolated_ok;
	bool die_with_parent;
	bool map_root;
	char **command; /* ends in NULL; empty: the user's login shell */
};

/* Prints the plan of a session that root makes. An exit status. */
int nsrun_plan(const struct nsrun *nsrun);

/* Runs the command in a session. An exit status. */
int nsrun_run(const struct nsrun *nsrun);

/* The caller is not root, and -u, if given, names them: nsrun_user() is for them. */
bool nsrun_is_own(const struct nsrun *nsrun);

/* Runs the command in a session that its user makes, or prints its plan; without root. An exit status. */
int nsrun_user(const struct nsrun *nsrun);
