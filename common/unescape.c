/* SPDX-License-Identifier: BSD-3-Clause OR GPL-2.0-or-later */
#include "common/unescape.h"

#include <stdbool.h>
#include <string.h>

static bool is_octal(char digit)
{
	return digit >= '0' && digit <= '7';
}

char *unescape_octal(char *text)
{
	const char *from = strchr(text, '\\');
	char *to = text + (from ? from - text : 0);

	while (from && *from) {
		if (from[0] == '\\' && is_octal(from[1]) && is_octal(from[2]) && is_octal(from[3])) {
			*to++ = (char)((from[1] - '0') << 6 | (from[2] - '0') << 3 | (from[3] - '0'));
			from += 4;
		} else {
			*to++ = *from++;
		}
	}
	if (from)
		*to = '\0';
	return text;
}
