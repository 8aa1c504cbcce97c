/* SPDX-License-Identifier: BSD-3-Clause OR GPL-2.0-or-later */
#include "tools/pam_span.h"

#include <string.h>

bool pam_span_next(const struct pam_text *text, struct pam_span *span)
{
	const char *newline;

	if (span->next >= text->length)
		return false;
	span->start = span->next;
	span->bytes = text->bytes + span->start;
	newline = memchr(span->bytes, '\n', text->length - span->start);
	span->length = newline ? (size_t)(newline - span->bytes) : text->length - span->start;
	span->next = span->start + span->length + (newline ? 1 : 0);
	span->line++;
	return true;
}

bool pam_span_is_marker(const struct pam_span *span)
{
	size_t blank = 0;

	while (blank < span->length && strchr(" \t", span->bytes[blank]))
		blank++;
	return span->length - blank >= strlen(PAM_MARK) && !memcmp(span->bytes + blank, PAM_MARK, strlen(PAM_MARK));
}

bool pam_span_equals(const struct pam_span *span, const char *text)
{
	return span->length == strlen(text) && !memcmp(span->bytes, text, span->length);
}
