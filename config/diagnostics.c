/* SPDX-License-Identifier: BSD-3-Clause OR GPL-2.0-or-later */
#include "config/diagnostics.h"

#include "common/format_list.h"
#include "config/text.h"

#include <stdint.h>
#include <string.h>

#define DIAGNOSTICS_MAX 100  /* a file with more has one problem: it is no policy */
#define TEXT_MAX        1000 /* bytes of one, before escaping */

/* `text` with everything unprintable as \xNN and at most TEXT_MAX bytes of it; malloced. */
static char *escape(const char *text)
{
	size_t size = strnlen(text, TEXT_MAX), length;
	char *escaped, *end;

	escaped = end = malloc(4 * size + 1);
	if (!escaped)
		return NULL;
	for (size_t i = 0; i < size; i += length) {
		length = text_character(text + i, size - i);
		if (length > 0) {
			end = mempcpy(end, text + i, length);
			continue;
		}
		length = 1;
		end += sprintf(end, "\\x%02x", (unsigned)(unsigned char)text[i]);
	}
	*end = '\0';
	return escaped;
}

static int append(struct diagnostics *list, const struct diagnostic *item)
{
	struct diagnostic *items;

	items = reallocarray(list->items, list->count + 1, sizeof(*items));
	if (!items)
		return -ENOMEM;
	list->items = items;
	list->items[list->count++] = *item;
	return 0;
}

/* A file that several extend has its mistakes once. */
static bool is_listed(const struct diagnostics *list, enum severity severity, const char *file, unsigned line,
		      const char *text)
{
	for (size_t i = 0; i < list->count; i++) {
		const struct diagnostic *item = &list->items[i];

		if (item->severity == severity && item->line == line && strcmp(item->file, file) == 0 &&
		    strcmp(item->text, text) == 0)
			return true;
	}
	return false;
}

void diagnostics_add_list(struct diagnostics *list, enum severity severity, const char *file, unsigned line,
			  const char *format, va_list arguments)
{
	_cleanup_free_ char *raw = format_list(format, arguments), *escaped_file = NULL, *text = NULL;
	struct diagnostic item = { .severity = severity, .line = line };

	text = raw ? escape(raw) : NULL;
	escaped_file = escape(file);
	if (text && escaped_file && is_listed(list, severity, escaped_file, line, text))
		return;
	if (text && escaped_file && list->count < DIAGNOSTICS_MAX) {
		item.text = text;
		item.file = escaped_file;
		if (append(list, &item) == 0) {
			text = NULL;
			escaped_file = NULL;
			return;
		}
	}
	list->truncated = true;
}

void diagnostics_add(struct diagnostics *list, enum severity severity, const char *file, unsigned line,
		     const char *format, ...)
{
	va_list arguments;

	va_start(arguments, format);
	diagnostics_add_list(list, severity, file, line, format, arguments);
	va_end(arguments);
}

void diagnostics_sort(struct diagnostics *list, size_t first)
{
	for (size_t i = first + 1; i < list->count; i++) {
		struct diagnostic item = list->items[i];
		size_t j = i;

		for (; j > first && list->items[j - 1].line > item.line; j--)
			list->items[j] = list->items[j - 1];
		list->items[j] = item;
	}
}

const struct diagnostic *diagnostics_first_error(const struct diagnostics *list)
{
	for (size_t i = 0; i < list->count; i++)
		if (list->items[i].severity == SEVERITY_ERROR)
			return &list->items[i];
	return NULL;
}

bool diagnostics_failed(const struct diagnostics *list)
{
	return list->truncated || diagnostics_first_error(list);
}

char *diagnostic_format(const struct diagnostic *item)
{
	char *text = NULL;
	int length;

	if (item->line > 0)
		length = asprintf(&text, "%s:%u: %s", item->file, item->line, item->text);
	else
		length = asprintf(&text, "%s: %s", item->file, item->text);
	return length < 0 ? NULL : text;
}

void diagnostics_release(struct diagnostics *list)
{
	for (size_t i = 0; i < list->count; i++) {
		free(list->items[i].file);
		free(list->items[i].text);
	}
	free(list->items);
	*list = (struct diagnostics){ 0 };
}
