/* SPDX-License-Identifier: BSD-3-Clause OR GPL-2.0-or-later */
#include "tools/pam_traces.h"

#include "config/suggest.h"
#include "tools/pam_judge.h"
#include "tools/pam_span.h"

#include <string.h>

/* Another name, but so near to ours that ours is meant: "pam_isolate.so" is not. */
#define MISSPELT_DISTANCE 1

/*
 * What we write has one line between its markers. Two blocks that lost the markers between them hold lines of the
 * service's own besides two of ours, and those are not the module's.
 */
#define BLOCK_LINES_MAX 2

bool pam_module_is_misspelt(const char *module)
{
	const char *slash = strrchr(module, '/'), *base = slash ? slash + 1 : module;

	if (!strcmp(base, PAM_MODULE_NAME))
		return false;
	return strstr(base, "nsisolate") ||
	       edit_distance(base, PAM_MODULE_NAME, MISSPELT_DISTANCE) <= MISSPELT_DISTANCE;
}

/* A word anywhere in a line, which need not be where the module stands: arguments are programs and directories, too. */
static bool means_module(const char *word)
{
	const char *slash = strrchr(word, '/'), *base = slash ? slash + 1 : word;
	size_t length = strlen(base);

	return (!strncmp(base, "pam", 3) || (length > 3 && !strcmp(base + length - 3, ".so"))) &&
	       pam_module_is_misspelt(base);
}

static bool names_module(const struct pam_span *span)
{
	const char *comment = memchr(span->bytes, '#', span->length);
	size_t length = comment ? (size_t)(comment - span->bytes) : span->length;
	_cleanup_free_ char *line = strndup(span->bytes, length);
	char *save = NULL;
	bool found = memmem(span->bytes, length, PAM_MODULE_NAME, strlen(PAM_MODULE_NAME)) != NULL;

	for (char *word = line ? strtok_r(line, " \t\r", &save) : NULL; word && !found;
	     word = strtok_r(NULL, " \t\r", &save))
		found = means_module(word);
	return found;
}

/* How many lines from the one behind `marker` on are within its block. */
static unsigned lines_within(const struct pam_text *text, const struct pam_span *marker)
{
	struct pam_span ahead = *marker;
	unsigned count = 0;

	if (pam_span_equals(marker, PAM_MARK_END))
		return 0;
	while (pam_span_next(text, &ahead) && count <= BLOCK_LINES_MAX) {
		if (pam_span_is_marker(&ahead))
			return pam_span_equals(&ahead, PAM_MARK_END) ? count : 0;
		count++;
	}
	return 0;
}

char *pam_traces(const struct pam_text *text)
{
	struct pam_span span = { 0 };
	unsigned within = 0;
	char *list = strdup("");

	while (list && pam_span_next(text, &span)) {
		_cleanup_free_ char *before = NULL;
		bool marker = pam_span_is_marker(&span);

		if (!marker && !within && !names_module(&span))
			continue;
		within = marker ? lines_within(text, &span) : within ? within - 1 : 0;
		before = list;
		if (asprintf(&list, "%s%s%u", before, *before ? ", " : "", span.line) < 0)
			list = NULL;
	}
	return list;
}
