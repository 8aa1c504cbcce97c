/* SPDX-License-Identifier: BSD-3-Clause OR GPL-2.0-or-later */
#include "session/log_text.h"

#include <stdbool.h>
#include <string.h>

static bool is_plain(unsigned char byte)
{
	return byte > ' ' && byte < 0x7f && byte != '\\' && byte != '"';
}

static char *put_byte(char *end, unsigned char byte, bool plain)
{
	static const char digits[] = "0123456789abcdef";

	if (plain) {
		*end++ = (char)byte;
		return end;
	}
	*end++ = '\\';
	*end++ = 'x';
	*end++ = digits[byte >> 4];
	*end++ = digits[byte & 15];
	return end;
}

/* Room for four bytes of each that is taken, and the end. */
static void put_value(char *end, const char *value, size_t max)
{
	size_t length = strlen(value);

	if (length == 0)
		*end++ = '-';
	for (size_t i = 0; i < length && i < max; i++)
		end = put_byte(end, (unsigned char)value[i], is_plain((unsigned char)value[i]));
	memcpy(end, length > max ? "..." : "", length > max ? sizeof("...") : 1);
}

struct log_word log_word(const char *value)
{
	struct log_word word = { "" };

	put_value(word.text, value, LOG_WORD_MAX);
	return word;
}

char *log_value(const char *value)
{
	size_t length = strlen(value);
	char *text = malloc((length < LOG_VALUE_MAX ? length : LOG_VALUE_MAX) * 4 + sizeof("..."));

	if (text)
		put_value(text, value, LOG_VALUE_MAX);
	return text;
}

char *log_sentence(const char *text)
{
	char *sentence = malloc(strlen(text) * 4 + 1);
	char *end = sentence;

	if (!sentence)
		return NULL;
	for (; *text; text++) {
		unsigned char byte = (unsigned char)*text;

		end = put_byte(end, byte, is_plain(byte) || byte == ' ' || byte == '"' || byte == '\\');
	}
	*end = '\0';
	return sentence;
}
