/* SPDX-License-Identifier: BSD-3-Clause OR GPL-2.0-or-later */
#include "config/text_list.h"

#include <string.h>

size_t text_list_count(char *const *list)
{
	size_t count = 0;

	while (list && list[count])
		count++;
	return count;
}

bool text_list_has(char *const *list, const char *text)
{
	for (char *const *item = list; item && *item; item++)
		if (strcmp(*item, text) == 0)
			return true;
	return false;
}

int text_list_add(char ***list, const char *text)
{
	_cleanup_free_ char *copy = NULL;
	size_t count = text_list_count(*list);
	char **items;

	if (text_list_has(*list, text))
		return 0;
	copy = strdup(text);
	if (!copy)
		return -ENOMEM;
	items = reallocarray(*list, count + 2, sizeof(*items));
	if (!items)
		return -ENOMEM;
	items[count] = TAKE_PTR(copy);
	items[count + 1] = NULL;
	*list = items;
	return 0;
}

int text_list_add_all(char ***list, char *const *other)
{
	int r = 0;

	for (char *const *item = other; r == 0 && item && *item; item++)
		r = text_list_add(list, *item);
	return r;
}

static char *join(char *const *list, const char *before, const char *between, const char *after)
{
	size_t size = strlen(before) + strlen(after) + 1;
	char *joined, *end;

	for (char *const *item = list; item && *item; item++)
		size += strlen(*item) + strlen(between);
	joined = malloc(size);
	if (!joined)
		return NULL;
	end = stpcpy(joined, before);
	for (char *const *item = list; item && *item; item++)
		end = stpcpy(stpcpy(end, item == list ? "" : between), *item);
	(void)stpcpy(end, after);
	return joined;
}

char *text_list_format(char *const *list)
{
	return text_list_count(list) > 0 ? join(list, "{\"", "\", \"", "\"}") : strdup("");
}

char *text_list_join(char *const *list, const char *between)
{
	return join(list, "", between, "");
}

char **text_list_free(char **list)
{
	for (char **item = list; item && *item; item++)
		free(*item);
	free(list);
	return NULL;
}
