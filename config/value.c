/* SPDX-License-Identifier: BSD-3-Clause OR GPL-2.0-or-later */
#include "config/value.h"

#include "config/text_list.h"

#include <string.h>

void value_release(struct value *value)
{
	free(value->text);
	text_list_free(value->list);
	*value = (struct value){ 0 };
}

int value_copy(const struct value *value, struct value *ret)
{
	struct value copy = { .number = value->number };
	int r;

	if (value->text && !(copy.text = strdup(value->text)))
		return -ENOMEM;
	r = text_list_add_all(&copy.list, value->list);
	if (r < 0) {
		value_release(&copy);
		return r;
	}
	*ret = copy;
	return 0;
}

/* The default of a list has one item. */
int value_default(enum policy_key key, struct value *ret)
{
	_cleanup_free_ char *ignored = NULL;
	int r = 0;

	*ret = (struct value){ 0 };
	if (policy_keys[key].fallback)
		r = value_parse(key, policy_keys[key].fallback, ret, &ignored);
	if (r == 0 && policy_keys[key].type == VALUE_LIST && ret->text)
		r = text_list_add(&ret->list, ret->text);
	if (r < 0)
		value_release(ret);
	return r;
}

bool key_is_stored(enum policy_key key)
{
	enum value_type type = policy_keys[key].type;

	return type != VALUE_COMMENT && type != VALUE_FILE && type != VALUE_SECTION;
}

void value_store(enum policy_key key, struct value *value, void *base)
{
	char *field = (char *)base + policy_keys[key].offset;
	bool flag = value->number != 0;
	unsigned choice = (unsigned)value->number;
	int integer = (int)(int64_t)value->number;

	switch (policy_keys[key].type) {
	case VALUE_BOOL:
		memcpy(field, &flag, sizeof(flag));
		break;
	case VALUE_CHOICE:
		memcpy(field, &choice, sizeof(choice));
		break;
	case VALUE_SIZE:
	case VALUE_COUNT:
	case VALUE_SIZE_LIMIT:
	case VALUE_COUNT_LIMIT:
	case VALUE_WEIGHT:
	case VALUE_SECONDS:
		memcpy(field, &value->number, sizeof(value->number));
		break;
	case VALUE_PATTERN:
	case VALUE_TEXT:
	case VALUE_PATH:
		free(*(char **)(void *)field);
		*(char **)(void *)field = TAKE_PTR(value->text);
		break;
	case VALUE_INTEGER:
		memcpy(field, &integer, sizeof(integer));
		break;
	case VALUE_LIST:
		text_list_free(*(char ***)(void *)field);
		*(char ***)(void *)field = TAKE_PTR(value->list);
		break;
	case VALUE_COMMENT:
	case VALUE_FILE:
	case VALUE_SECTION:
	default:
		break;
	}
	value_release(value);
}

int value_append(enum policy_key key, const struct value *value, void *base)
{
	return text_list_add_all((char ***)(void *)((char *)base + policy_keys[key].offset), value->list);
}
