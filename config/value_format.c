/* SPDX-License-Identifier: BSD-3-Clause OR GPL-2.0-or-later */
#include "config/value.h"

#include "config/text_list.h"

#include <inttypes.h>
#include <string.h>

static char *format_integer(int64_t integer)
{
	char *text = NULL;

	return asprintf(&text, "%" PRIi64, integer) < 0 ? NULL : text;
}

static char *format_number(uint64_t number)
{
	char *text = NULL;

	return asprintf(&text, "%" PRIu64, number) < 0 ? NULL : text;
}

static char *format_size(uint64_t number)
{
	static const char suffixes[] = { 'g', 'm', 'k' };
	char text[sizeof("18446744073709551615k")], *at = text + sizeof(text) - 1;

	*at = '\0';
	for (unsigned i = 0; i < ELEMENTS(suffixes); i++) {
		unsigned shift = 30 - 10 * i;

		if (number >> shift << shift != number)
			continue;
		*--at = suffixes[i];
		number >>= shift;
		break;
	}
	do {
		*--at = (char)('0' + number % 10);
		number /= 10;
	} while (number > 0);
	return strdup(at);
}

const char *value_text(enum policy_key key, const void *base, char **storage)
{
	const struct key_info *info = &policy_keys[key];
	const char *field = (const char *)base + info->offset, *text;
	char *const *list;
	int integer;
	int64_t seconds;
	unsigned choice;
	uint64_t number;
	bool flag;

	switch (info->type) {
	case VALUE_BOOL:
		memcpy(&flag, field, sizeof(flag));
		return choice_name(info->choices, flag);
	case VALUE_CHOICE:
		memcpy(&choice, field, sizeof(choice));
		return choice_name(info->choices, choice);
	case VALUE_SIZE_LIMIT:
	case VALUE_COUNT_LIMIT:
	case VALUE_SIZE:
	case VALUE_COUNT:
		memcpy(&number, field, sizeof(number));
		return number == 0 ? VALUE_INFINITY : (*storage = format_size(number));
	case VALUE_WEIGHT:
		memcpy(&number, field, sizeof(number));
		return *storage = format_number(number);
	case VALUE_PATTERN:
	case VALUE_TEXT:
	case VALUE_PATH:
		memcpy(&text, field, sizeof(text));
		return text ? text : "";
	case VALUE_INTEGER:
		memcpy(&integer, field, sizeof(integer));
		return *storage = format_integer(integer);
	case VALUE_SECONDS:
		memcpy(&seconds, field, sizeof(seconds));
		return *storage = format_integer(seconds);
	case VALUE_LIST:
		memcpy(&list, field, sizeof(list));
		return *storage = text_list_format(list);
	case VALUE_COMMENT:
	case VALUE_FILE:
	case VALUE_SECTION:
	default:
		return "";
	}
}

char *value_format(enum policy_key key, const void *base)
{
	char *storage = NULL;
	const char *text = value_text(key, base, &storage);

	return text && !storage ? strdup(text) : storage;
}
