/* SPDX-License-Identifier: BSD-3-Clause OR GPL-2.0-or-later */
#include "tools/display.h"

#include <string.h>
#include <time.h>
#include <wchar.h>
#include <wctype.h>

/* What every locale can print. */
static bool is_plain(char byte)
{
	return byte >= ' ' && byte <= '~' && byte != '\\';
}

bool display_is_plain(const char *text)
{
	while (is_plain(*text))
		text++;
	return *text == '\0';
}

/* Bytes of the character at `text` if it may stand as it is, else 0. */
static size_t harmless(const char *text, size_t left, bool escaped)
{
	mbstate_t state = { 0 };
	wchar_t character;
	size_t size;

	if (is_plain(text[0]))
		return 1;
	size = mbrtowc(&character, text, left, &state);

	if (size == 0 || size > left)
		return 0;
	/* no width: combining marks, joiners, and the controls that reorder text */
	if (!iswprint((wint_t)character) || wcwidth(character) <= 0)
		return 0;
	if (!escaped && text[0] == '\\' && text[1] == 'x')
		return 0;
	return size;
}

static char *display(const char *text, bool escaped)
{
	size_t left = text ? strlen(text) : 0;
	char *shown = malloc(4 * left + 1);
	char *to = shown;

	if (!shown)
		return NULL;

	while (left > 0) {
		size_t size = harmless(text, left, escaped);

		if (size > 0) {
			to = mempcpy(to, text, size);
		} else {
			size = 1;
			to += sprintf(to, "\\x%02x", (unsigned char)*text);
		}
		text += size;
		left -= size;
	}
	*to = '\0';
	return shown;
}

char *display_text(const char *text)
{
	return display(text, false);
}

char *display_escaped(const char *text)
{
	return display(text, true);
}

char *display_time(int64_t seconds, bool exact)
{
	time_t time = (time_t)seconds;
	struct tm local;
	char text[64];
	char *shown = NULL;

	if (!localtime_r(&time, &local))
		return asprintf(&shown, "@%jd", (intmax_t)seconds) < 0 ? NULL : shown;
	if (!exact) {
		(void)strftime(text, sizeof(text), "%Y-%m-%d %H:%M", &local);
		return strdup(text);
	}

	size_t size = strftime(text, sizeof(text) - 1, "%Y-%m-%dT%H:%M:%S%z", &local);

	/* +0100 → +01:00 */
	memmove(text + size - 1, text + size - 2, 3);
	text[size - 2] = ':';
	return strdup(text);
}

char *display_cpu_time(uint64_t seconds)
{
	uint64_t days = seconds / 86400;
	unsigned hours = (unsigned)(seconds / 3600 % 24);
	unsigned minutes = (unsigned)(seconds / 60 % 60);
	unsigned rest = (unsigned)(seconds % 60);
	char *shown = NULL;
	int r;

	if (days > 0)
		r = asprintf(&shown, "%ju-%02u:%02u:%02u", (uintmax_t)days, hours, minutes, rest);
	else
		r = asprintf(&shown, "%02u:%02u:%02u", hours, minutes, rest);
	return r < 0 ? NULL : shown;
}

char *display_size(uint64_t bytes)
{
	static const char units[] = "BKMGTPE";
	double value = (double)bytes;
	size_t unit = 0;
	char *shown = NULL;

	while (value >= 1023.95 && unit < sizeof(units) - 2) {
		value /= 1024;
		unit++;
	}
	if (unit == 0)
		return asprintf(&shown, "%juB", (uintmax_t)bytes) < 0 ? NULL : shown;
	return asprintf(&shown, "%.1f%c", value, units[unit]) < 0 ? NULL : shown;
}
