/* SPDX-License-Identifier: BSD-3-Clause OR GPL-2.0-or-later */
#include "config/capability.h"

#include "config/problem.h"
#include "config/suggest.h"
#include "config/text_list.h"

#include <ctype.h>
#include <string.h>
#include <strings.h>
#include <sys/capability.h>

#define NAME_SIZE 64 /* bytes of the longest name that is worth a suggestion, and its end */
#define BITS      64 /* of a set, whatever the kernel fills of it */

/* What libcap has no name for is a number there. */
static bool is_name(const char *name)
{
	return strncmp(name, "cap_", strlen("cap_")) == 0;
}

/* The nearest name, or NULL; "SYS_ADMIN" is "cap_sys_admin" without its beginning. */
static void suggest_name(const char *text, char ret[NAME_SIZE])
{
	char wanted[NAME_SIZE];
	struct suggestion best = { 0 };

	ret[0] = '\0';
	(void)snprintf(wanted, sizeof(wanted), "%s%s", strncasecmp(text, "cap_", strlen("cap_")) == 0 ? "" : "cap_",
		       text);
	for (char *at = wanted; *at; at++)
		*at = (char)tolower((unsigned char)*at);
	for (cap_value_t value = 0; value < BITS; value++) {
		char *name = cap_to_name(value);

		if (name && is_name(name)) {
			suggest(&best, wanted, name);
			if (best.name == name)
				best.name = memcpy(ret, name, strlen(name) + 1);
		}
		(void)cap_free(name);
	}
}

/* The value, or -1. libcap also takes numbers, and words with something behind them. */
static cap_value_t find_value(const char *text, char **ret_name)
{
	cap_value_t value = -1;
	char *name = NULL;

	if (cap_from_name(text, &value) == 0)
		name = cap_to_name(value);
	if (!name || !is_name(name) || strcasecmp(name, text) != 0)
		value = -1;
	if (value >= 0 && ret_name)
		*ret_name = strdup(name);
	(void)cap_free(name);
	return value;
}

int capability_parse(const char *text, char **ret, char **ret_problem)
{
	char near[NAME_SIZE];
	char *name = NULL;

	if (strcmp(text, CAPABILITY_ALL) == 0)
		name = strdup(CAPABILITY_ALL);
	else if (find_value(text, &name) < 0) {
		suggest_name(text, near);
		return problem(ret_problem, -EINVAL,
			       "'%s' is no capability of capabilities(7), such as \"cap_sys_admin\", nor \"all\"%s%s%s",
			       text, *near ? "; did you mean '" : "", near, *near ? "'?" : "");
	}
	*ret = name;
	return name ? 0 : -ENOMEM;
}

static int compare(const void *a, const void *b)
{
	const char *const *left = a, *const *right = b;

	return strcmp(*left, *right);
}

void capabilities_normalise(char **names)
{
	size_t count = text_list_count(names), kept = 0;
	bool all = text_list_has(names, CAPABILITY_ALL);

	if (count == 0)
		return;
	qsort(names, count, sizeof(*names), compare);
	for (size_t i = 0; i < count; i++) {
		if (all && strcmp(names[i], CAPABILITY_ALL) != 0)
			free(names[i]);
		else
			names[kept++] = names[i];
	}
	names[kept] = NULL;
}

uint64_t capabilities_set(char *const *names)
{
	uint64_t set = 0;

	for (char *const *name = names; name && *name; name++) {
		cap_value_t value = find_value(*name, NULL);

		if (strcmp(*name, CAPABILITY_ALL) == 0)
			return UINT64_MAX;
		if (value >= 0)
			set |= UINT64_C(1) << value;
	}
	return set;
}

static int add_name(char ***names, cap_value_t value)
{
	char *name = cap_to_name(value);
	int r = name ? text_list_add(names, name) : -ENOMEM;

	(void)cap_free(name);
	return r;
}

char *capabilities_names(uint64_t set)
{
	_cleanup_(text_list_freep) char **names = NULL;
	int r = set ? 0 : text_list_add(&names, "none");

	for (cap_value_t value = 0; r == 0 && value < BITS; value++)
		if (set >> value & 1)
			r = add_name(&names, value);
	return r < 0 ? NULL : text_list_join(names, ",");
}
