/* SPDX-License-Identifier: BSD-3-Clause OR GPL-2.0-or-later */
#pragma once

/* %u %U %g %h %s %% in policy values. Nothing else expands. Pure: no system calls. */

#include "common/cleanup.h"

#include <sys/types.h>

#define HOSTNAME_MAX 64 /* bytes, __NEW_UTS_LEN of the kernel */

struct expansion {
	const char *user;    /* %u: in paths only if it is [A-Za-z0-9_.-]+ */
	uid_t uid;           /* %U */
	const char *group;   /* %g: name of the primary group; "" when NSS could not tell: its use is then an error */
	const char *host;    /* %h: host name of the caller's UTS namespace */
	const char *session; /* %s: session id */
	const char *home;    /* no expansion: the home directory by NSS, for mount.homes; NULL: none */
};

enum expand_kind {
	EXPAND_PATH,
	EXPAND_HOSTNAME, /* every byte outside [A-Za-z0-9-] becomes '-', shortened deterministically to HOSTNAME_MAX */
	EXPAND_TEXT,
};

/* 0 and a malloced string; -EINVAL with *ret_problem (a malloced sentence); -ENOMEM. */
int expand(const char *pattern, const struct expansion *values, enum expand_kind kind, char **ret,
	   char **ret_problem) _must_check_;

/* Checks the pattern alone (unknown %x, trailing %): 0, or -EINVAL with *ret_problem. */
int expand_check(const char *pattern, enum expand_kind kind, char **ret_problem) _must_check_;
