/* SPDX-License-Identifier: BSD-3-Clause OR GPL-2.0-or-later */
#include "config/find.h"

#include "common/read_whole.h"

#include <string.h>

/* A key stands in a file as it is: names have no quotes and no escapes. */
static bool says(const char *text, size_t size, const char *word)
{
	return memmem(text, size, word, strlen(word)) || memmem(text, size, "extends", strlen("extends"));
}

bool candidates_may_say(const struct candidates *list, const char *word)
{
	for (size_t i = 0; i < list->count; i++) {
		const struct candidate *candidate = &list->items[i];
		_cleanup_free_ char *text = NULL;
		size_t size;

		/* who comes to one with a problem is refused */
		if (candidate->problem)
			continue;
		if (read_whole(candidate->fd, POLICY_FILE_MAX, &text, &size) < 0 || says(text, size, word))
			return true;
	}
	return false;
}
