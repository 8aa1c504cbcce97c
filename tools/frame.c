/* SPDX-License-Identifier: BSD-3-Clause OR GPL-2.0-or-later */
#include "tools/frame.h"

#include <string.h>
#include <wchar.h>

/* Bytes of "ESC [ 31 m" at the start, or 0. */
static size_t color_length(const char *text, size_t left)
{
	size_t at = 2;

	if (left < 3 || text[0] != '\033' || text[1] != '[')
		return 0;
	while (at < left && (text[at] == ';' || (text[at] >= '0' && text[at] <= '9')))
		at++;
	return at < left && text[at] == 'm' ? at + 1 : 0;
}

/* Bytes of the character at the start, and its columns. What is none is a byte that takes one. */
static size_t character(const char *text, size_t left, size_t *ret_columns)
{
	mbstate_t state = { 0 };
	wchar_t wide;
	size_t size = mbrtowc(&wide, text, left, &state);
	int width;

	*ret_columns = 1;
	if (size == 0 || size > left)
		return 1;
	width = wcwidth(wide);
	*ret_columns = width >= 0 ? (size_t)width : 1;
	return size;
}

size_t frame_fit(const char *line, size_t length, size_t columns, int *ret_colored)
{
	size_t at = 0, used = 0;

	*ret_colored = 0;
	while (at < length) {
		size_t color = color_length(line + at, length - at);
		size_t width, size;

		if (color > 0) {
			*ret_colored = 1;
			at += color;
			continue;
		}
		size = character(line + at, length - at, &width);
		if (used + width > columns)
			break;
		used += width;
		at += size;
	}
	return at;
}

static void put_line(FILE *out, const char *line, size_t length, size_t columns)
{
	int colored;
	size_t fits = frame_fit(line, length, columns, &colored);

	(void)fwrite(line, 1, fits, out);
	/* erased to its end: what the last frame had there */
	(void)fputs(colored ? "\033[0m\033[K" : "\033[K", out);
}

char *frame_make(const char *title, const char *text, size_t rows, size_t columns)
{
	_cleanup_free_ char *frame = NULL;
	size_t size = 0, row = 1;
	FILE *out = open_memstream(&frame, &size);

	if (!out)
		return NULL;
	(void)fputs("\033[H", out);
	put_line(out, title, strlen(title), columns);
	while (*text && row < rows) {
		size_t length = strcspn(text, "\n");

		(void)fputs("\r\n", out);
		put_line(out, text, length, columns);
		text += length + (text[length] == '\n' ? 1 : 0);
		row++;
	}
	/* and the rest of the screen */
	(void)fputs("\033[J", out);
	return fclose(out) == 0 ? TAKE_PTR(frame) : NULL;
}
