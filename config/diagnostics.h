/* SPDX-License-Identifier: BSD-3-Clause OR GPL-2.0-or-later */
#pragma once

/*
 * What is wrong with a policy: a list, so that a lint can report everything at
 * once while a login logs the first. Nothing here writes to a stream or a log.
 */

#include "common/cleanup.h"

#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>

enum severity {
	SEVERITY_WARNING,
	SEVERITY_ERROR,
};

struct diagnostic {
	enum severity severity;
	char *file;    /* relative to the policy directory: "group/students.conf"; never NULL */
	unsigned line; /* from 1; 0 where the file as a whole is meant */
	char *text;    /* one line, no newline, control characters escaped */
};

struct diagnostics {
	struct diagnostic *items;
	size_t count;
	bool truncated; /* memory ran out or the cap was reached: treat as an error */
};

/* Appends one, unless the same is listed; values from files must already be escaped or are escaped here. Cannot fail:
 * sets truncated. */
void diagnostics_add(struct diagnostics *list, enum severity severity, const char *file, unsigned line,
		     const char *format, ...) _printf_(5, 6);
void diagnostics_add_list(struct diagnostics *list, enum severity severity, const char *file, unsigned line,
			  const char *format, va_list arguments) _printf_(5, 0);

/* Those from number `first` on in the order of their lines, those of one line as they came: all of one file. */
void diagnostics_sort(struct diagnostics *list, size_t first);

/* True when a login must be refused: an error is listed, or the list is incomplete. */
bool diagnostics_failed(const struct diagnostics *list);

/* The first error, or NULL. */
const struct diagnostic *diagnostics_first_error(const struct diagnostics *list);

/* "FILE:LINE: TEXT" or "FILE: TEXT", malloced, NULL when memory ran out. */
char *diagnostic_format(const struct diagnostic *item);

void diagnostics_release(struct diagnostics *list);
