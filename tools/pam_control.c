/* SPDX-License-Identifier: BSD-3-Clause OR GPL-2.0-or-later */
#include "tools/pam_control.h"

#include <ctype.h>
#include <limits.h>
#include <string.h>
#include <strings.h>

#define ACTION_UNSET INT_MIN

enum { RETURN_SUCCESS = 0, RETURN_NEW_AUTHTOK = 12, RETURN_IGNORE = 25 };

static const struct action_name {
	const char *name;
	int action;
} action_names[] = {
	{ "ignore", PAM_ACTION_IGNORE }, { "ok", PAM_ACTION_OK },   { "done", PAM_ACTION_DONE },
	{ "bad", PAM_ACTION_BAD },       { "die", PAM_ACTION_DIE }, { "reset", PAM_ACTION_RESET },
};

/* The keywords in terms of brackets, pam.conf(5). */
static const struct keyword {
	const char *name;
	int success, ignore, others;
} keywords[] = {
	{ "required", PAM_ACTION_OK, PAM_ACTION_IGNORE, PAM_ACTION_BAD },
	{ "requisite", PAM_ACTION_OK, PAM_ACTION_IGNORE, PAM_ACTION_DIE },
	{ "optional", PAM_ACTION_OK, PAM_ACTION_IGNORE, PAM_ACTION_IGNORE },
	{ "sufficient", PAM_ACTION_DONE, PAM_ACTION_IGNORE, PAM_ACTION_IGNORE },
};

static void actions_fill(int *actions, int action)
{
	for (size_t i = 0; i < PAM_RETURN_VALUES; i++)
		if (actions[i] == ACTION_UNSET)
			actions[i] = action;
}

static const char *skip_space(const char *text)
{
	while (isspace((unsigned char)*text))
		text++;
	return text;
}

/* True if one "value=action" could be read; *position is behind it. */
static bool parse_action(const char **position, size_t *ret_value, int *ret_action)
{
	const char *text = *position;
	size_t value, length = 0;

	for (value = 0; value < PAM_RETURN_VALUES; value++) {
		length = strlen(pam_return_name(value));
		if (!strncmp(text, pam_return_name(value), length))
			break;
	}
	if (value == PAM_RETURN_VALUES) {
		length = strlen("default");
		if (strncmp(text, "default", length) != 0)
			return false;
	}
	text = skip_space(text + length);
	if (*text != '=')
		return false;
	text = skip_space(text + 1);
	*ret_value = value;

	for (size_t i = 0; i < ELEMENTS(action_names); i++) {
		length = strlen(action_names[i].name);
		if (!strncmp(text, action_names[i].name, length)) {
			*position = text + length;
			*ret_action = action_names[i].action;
			return true;
		}
	}
	if (!isdigit((unsigned char)*text))
		return false;

	int jump = 0;

	for (; isdigit((unsigned char)*text); text++)
		jump = jump > 100000 ? jump : jump * 10 + (*text - '0');
	*position = text;
	*ret_action = jump;
	return jump > 0;
}

bool pam_control_parse(const char *control, int *actions)
{
	for (size_t i = 0; i < PAM_RETURN_VALUES; i++)
		actions[i] = ACTION_UNSET;

	for (size_t i = 0; i < ELEMENTS(keywords); i++) {
		if (strcasecmp(control, keywords[i].name) != 0)
			continue;
		actions[RETURN_SUCCESS] = actions[RETURN_NEW_AUTHTOK] = keywords[i].success;
		actions[RETURN_IGNORE] = keywords[i].ignore;
		actions_fill(actions, keywords[i].others);
		return true;
	}

	for (const char *text = skip_space(control); *text; text = skip_space(text)) {
		size_t value;
		int action;

		if (!parse_action(&text, &value, &action)) {
			for (size_t i = 0; i < PAM_RETURN_VALUES; i++)
				actions[i] = PAM_ACTION_BAD;
			return false;
		}
		if (value < PAM_RETURN_VALUES)
			actions[value] = action;
		else
			actions_fill(actions, action);
	}
	actions_fill(actions, PAM_ACTION_BAD);
	return true;
}

int pam_next_token(char **position, char **ret_token)
{
	char *from = *position + strspn(*position, " \n\t"), *end;

	if (!*from) {
		*position = from;
		return 0;
	}
	if (*from == '[') {
		/* "[a [b\] c]" is one token "a [b] c": the first bare ']' ends it */
		char *to = ++from;

		for (end = from; *end && *end != ']'; end++) {
			if (end[0] == '\\' && end[1] == ']')
				end++;
			*to++ = *end;
		}
		bool more = *end;

		*to = '\0';
		*position = more ? end + 1 : end;
	} else {
		end = from + strcspn(from, " \n\t");
		*position = *end ? end + 1 : end;
		*end = '\0';
	}
	*ret_token = from;
	return 1;
}
