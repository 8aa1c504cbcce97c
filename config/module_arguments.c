/* SPDX-License-Identifier: BSD-3-Clause OR GPL-2.0-or-later */
#include "config/module_arguments.h"

#include "nsisolate-config.h"

#include <stddef.h>
#include <string.h>

enum argument_type {
	ARGUMENT_FLAG,
	ARGUMENT_PATH,
	ARGUMENT_LIST,
};

static const struct argument {
	const char *name;
	enum argument_type type;
	size_t offset;
} argument_table[] = {
	{ "policy", ARGUMENT_PATH, offsetof(struct module_arguments, policy) },
	{ "exempt", ARGUMENT_LIST, offsetof(struct module_arguments, exempt) },
	{ "optional", ARGUMENT_FLAG, offsetof(struct module_arguments, optional) },
	{ "debug", ARGUMENT_FLAG, offsetof(struct module_arguments, debug) },
	{ "open", ARGUMENT_FLAG, offsetof(struct module_arguments, open) },
	{ "close", ARGUMENT_FLAG, offsetof(struct module_arguments, close) },
};

static int set_flag(const struct argument *argument, const char *value, struct module_arguments *arguments)
{
	bool *flag = (bool *)((char *)arguments + argument->offset);

	if (value || *flag)
		return -EINVAL;
	*flag = true;
	return 0;
}

static int set_text(const struct argument *argument, const char *value, struct module_arguments *arguments)
{
	const char **text = (const char **)((char *)arguments + argument->offset);

	if (!value || *value == '\0' || *text)
		return -EINVAL;
	if (argument->type == ARGUMENT_PATH && *value != '/')
		return -EINVAL;
	*text = value;
	return 0;
}

static int parse_one(const char *word, struct module_arguments *arguments)
{
	const char *equals = strchr(word, '=');
	size_t length = equals ? (size_t)(equals - word) : strlen(word);

	for (size_t i = 0; i < ELEMENTS(argument_table); i++) {
		const struct argument *argument = &argument_table[i];
		const char *value = equals ? equals + 1 : NULL;

		if (strlen(argument->name) != length || strncmp(argument->name, word, length) != 0)
			continue;
		return argument->type == ARGUMENT_FLAG ? set_flag(argument, value, arguments)
						       : set_text(argument, value, arguments);
	}
	return -EINVAL;
}

int module_arguments_parse(int argc, const char **argv, struct module_arguments *ret, const char **ret_bad)
{
	int r = 0;

	*ret = (struct module_arguments){ 0 };
	for (int i = 0; i < argc; i++) {
		if (parse_one(argv[i], ret) < 0 && r == 0) {
			*ret_bad = argv[i];
			r = -EINVAL;
		}
	}
	if (!ret->policy)
		ret->policy = NSISOLATE_POLICY_DIRECTORY;
	if (!ret->open && !ret->close)
		ret->open = ret->close = true;
	return r;
}
