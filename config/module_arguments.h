/* SPDX-License-Identifier: BSD-3-Clause OR GPL-2.0-or-later */
#pragma once

/*
 * The words behind pam_nsisolate.so on a line of pam.conf(5): one table for the module, which
 * refuses every login for a wrong one, and for nsisolate-pam, which writes none. Libc only.
 */

#include "common/cleanup.h"

#include <stdbool.h>

/* What an administrator may give; "open" and "close" say what a line is for. */
#define MODULE_ARGUMENTS "policy=DIR, exempt=USER,@GROUP, optional, debug"

struct module_arguments {
	const char *policy; /* policy=DIR, absolute */
	const char *exempt; /* exempt=USER,@GROUP,…; or NULL */
	bool optional;      /* a user without any policy is passed */
	bool debug;
	bool open;  /* this line opens sessions */
	bool close; /* this line closes sessions */
};

/*
 * Borrowing argv. An unknown, empty, repeated or relative argument is
 * -EINVAL, with *ret_bad naming it; *ret is filled all the same, so that uid 0 can still be passed.
 */
int module_arguments_parse(int argc, const char **argv, struct module_arguments *ret,
			   const char **ret_bad) _must_check_;
