/* SPDX-License-Identifier: BSD-3-Clause OR GPL-2.0-or-later */
#pragma once

/*
 * Who logs in, as far as it must be known before the helper is asked: root and the exempt are
 * passed here, before any policy is opened. Uses NSS; logs nothing.
 */

#include "config/find.h"

struct who_query {
	const char *user;         /* the raw PAM_USER */
	const char *directory;    /* of the policies */
	const char *file;         /* or this one policy file, which then decides for everyone; or NULL */
	const char *exempt;       /* exempt=USER,@GROUP,…; or NULL */
	const char *bad_argument; /* an argument of the module line that could not be used, or NULL */
};

struct who {
	struct identity identity;
	char *group; /* name of the primary group; NULL when NSS has none */
	struct candidates candidates;
};

enum who_result {
	WHO_ROOT = 1,   /* uid 0, no user/root.conf: passed; *ret_text says what is broken, if anything is */
	WHO_EXEMPT,     /* named by exempt= */
	WHO_CANDIDATES, /* *ret is filled: ask the helper */
	WHO_REFUSED,    /* their policy cannot be found; *ret_text says why */
	WHO_FAILED,     /* no policy was looked for: the name, the module line or the caller; *ret_text says why */
};

/* *ret is to be released in any case; with everything but WHO_FAILED its identity is filled, or the user is root. */
enum who_result who_find(const struct who_query *query, struct who *ret, char **ret_text) _must_check_;

void who_release(struct who *who);
