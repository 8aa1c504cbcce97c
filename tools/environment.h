/* SPDX-License-Identifier: BSD-3-Clause OR GPL-2.0-or-later */
#pragma once

/* The environment of a command that runs as a user, as su(1) with "-" makes it. Pure. */

#include "common/cleanup.h"

#include <stdbool.h>

struct environment {
	const char *user;
	const char *home;
	const char *shell;
	const char *session; /* id, for NSISOLATE_ID; NULL: there is none */
	bool root;           /* decides the PATH */
	bool preserve;       /* keep everything but what is set above */
};

/*
 * `inherited` is the caller's environ(7). Malloced, with its strings, and ends in NULL: environment_free().
 * NULL when memory ran out.
 */
char **environment_make(const struct environment *environment, char *const *inherited) _must_check_;
char **environment_free(char **list);
