/* SPDX-License-Identifier: BSD-3-Clause OR GPL-2.0-or-later */
#pragma once

/* The physical lines of a service file, and which of them are markers of our blocks. Pure. */

#include "tools/pam_edit.h"

#define PAM_MARK     "# nsisolate-pam:"
#define PAM_MARK_END PAM_MARK " end"

/* A line without its newline; all zero before the first. */
struct pam_span {
	const char *bytes;
	size_t length;
	size_t start, next; /* offsets in the text; next is behind the newline */
	unsigned line;      /* from 1 */
};

/* Moves on to the next line; false at the end of the text. */
bool pam_span_next(const struct pam_text *text, struct pam_span *span);

/* A comment that names this tool with a colon, however it is indented, is meant to be a marker. */
bool pam_span_is_marker(const struct pam_span *span);
bool pam_span_equals(const struct pam_span *span, const char *text);
