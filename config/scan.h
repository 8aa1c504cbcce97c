/* SPDX-License-Identifier: BSD-3-Clause OR GPL-2.0-or-later */
#pragma once

/*
 * Reads a policy file once before libconfuse does, and lets through only what
 * libconfuse reads as written. Its lexer (3.3) would silently accept an open
 * comment, string or section at the end of a file, and read the next file from
 * inside it; skip stray characters; take ${NAME} from the environment; turn \x00
 * and the like into control bytes; take "a|b" for a key of another section;
 * and count the lines of comments two or three times. Pure.
 */

#include "common/cleanup.h"
#include "config/diagnostics.h"
#include "config/keys.h"

#include <stdbool.h>
#include <stddef.h>

#define SCAN_LINE_MAX     1024 /* bytes */
#define SCAN_DEPTH_MAX    4    /* sections within sections */
#define SCAN_VALUES_MAX   256  /* of a list: each is compared with all before it */
#define SCAN_SECTIONS_MAX 500  /* of a file: likewise */

#define SCAN_NO_INCLUDE   "no file includes another; 'extends' builds on one" /* for messages */

/* One assignment or one closed section, in the order in which libconfuse reports them. */
struct scan_event {
	const char *name; /* in scan.text, not terminated */
	size_t length;
	const char *end; /* behind its value, or its '}' */
	unsigned line;   /* of the name */
	unsigned depth;  /* sections that it is in */
	bool section;
	bool titled; /* a section with a title */
	bool append; /* += */
	bool list;   /* values in braces */
	unsigned values;

	/* by names_check(), to which service "NAME" is the top again */
	struct key_name key;
	struct key_name within; /* the section that it is in */
	bool in_service;        /* within service "NAME", however deep */
};

struct scan {
	char *text; /* the file with its comments blanked; every line keeps its number */
	struct scan_event *events;
	size_t count;
};

/* 0; -EBADMSG with the first mistake in diag; -ENOMEM. `name` is the file's, for messages. */
int scan_policy(const char *name, const char *text, size_t size, struct scan *ret,
		struct diagnostics *diag) _must_check_;
void scan_release(struct scan *scan);
