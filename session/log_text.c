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

struct log_word log_word(const char *value)
{
	struct log_word word = { "" };
	char *end = word.text;
	size_t length = strlen(value);

	if (length == 0)
		return (struct log_word){ "-" };
	for (size_t i = 0; i < length && i < LOG_WORD_MAX; i++)
		end = put_byte(end, (unsigned char)value[i], is_plain((unsigned char)value[i]));
	if (length > LOG_WORD_MAX)
		memcpy(end, "...", sizeof("..."));
	else
		*end = '\0';
	return word;
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
