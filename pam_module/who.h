/* SPDX-License-Identifier: BSD-3-Clause OR GPL-2.0-or-later */
#pragma once

/*
 * Who logs in, as far as it must be known before the helper is asked: root and the exempt are
 * passed here, before any policy is opened. Uses NSS; logs nothing.
 */

#include "config/find.h"
#include "config/module_arguments.h"

struct who {
	struct identity identity;
	char *group; /* name of the primary group; NULL when NSS has none */
	struct candidates candidates;
};

enum who_result {
	WHO_ROOT = 1,   /* uid 0, no user/root.conf: passed */
	WHO_EXEMPT,     /* named by exempt= */
	WHO_CANDIDATES, /* *ret is filled: ask the helper */
	WHO_REFUSED,    /* their policy cannot be found; *ret_text says why */
	WHO_FAILED,     /* no policy was looked for: the name, the module line or the caller; *ret_text says why */
};

/* user: the raw PAM_USER. bad_argument: an argument of the module line that could not be used, or NULL. */
enum who_result who_find(const struct module_arguments *arguments, const char *user, const char *bad_argument,
			 struct who *ret, char **ret_text) _must_check_;

void who_release(struct who *who);
