/* SPDX-License-Identifier: BSD-3-Clause OR GPL-2.0-or-later */
#include "config/text.h"

#include <stdint.h>

/* Length that the first byte announces, and the bits of the character that it holds. */
static size_t sequence_length(unsigned char first, uint32_t *bits)
{
	if (first >= 0xc2 && first <= 0xdf) {
		*bits = first & 0x1fu;
		return 2;
	}
	if (first >= 0xe0 && first <= 0xef) {
		*bits = first & 0x0fu;
		return 3;
	}
	if (first >= 0xf0 && first <= 0xf4) {
		*bits = first & 0x07u;
		return 4;
	}
	return 0;
}

size_t text_character(const char *text, size_t size)
{
	static const uint32_t least[] = { [2] = 0xa0, [3] = 0x800, [4] = 0x10000 };
	const unsigned char *bytes = (const unsigned char *)text;
	uint32_t character;
	size_t length;

	if (size == 0)
		return 0;
	if (bytes[0] < 0x80)
		return bytes[0] >= 0x20 && bytes[0] != 0x7f;
	length = sequence_length(bytes[0], &character);
	if (length == 0 || length > size)
		return 0;
	for (size_t i = 1; i < length; i++) {
		if ((bytes[i] & 0xc0) != 0x80)
			return 0;
		character = character << 6 | (bytes[i] & 0x3fu);
	}
	if (character < least[length] || character > 0x10ffff || (character >= 0xd800 && character <= 0xdfff))
		return 0;
	return length;
}
