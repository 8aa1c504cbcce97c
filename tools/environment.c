/* SPDX-License-Identifier: BSD-3-Clause OR GPL-2.0-or-later */
#include "tools/environment.h"

#include <string.h>

#define PATH_USER "/usr/local/bin:/usr/bin:/bin"
#define PATH_ROOT "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"

/* About the terminal, and therefore kept: those of su(1). */
static const char *const kept[] = { "TERM", "COLORTERM", "NO_COLOR" };

struct variable {
	const char *name;
	const char *value; /* NULL: not set */
};

static bool is_named(const char *entry, const char *name)
{
	size_t length = strlen(name);

	return strncmp(entry, name, length) == 0 && entry[length] == '=';
}

static bool is_kept(const char *entry)
{
	for (size_t i = 0; i < ELEMENTS(kept); i++)
		if (is_named(entry, kept[i]))
			return true;
	return false;
}

static bool is_set(const char *entry, const struct variable *variables, size_t count)
{
	for (size_t i = 0; i < count; i++)
		if (variables[i].value && is_named(entry, variables[i].name))
			return true;
	return false;
}

char **environment_free(char **list)
{
	for (char **entry = list; entry && *entry; entry++)
		free(*entry);
	free(list);
	return NULL;
}

static void environment_freep(char ***list)
{
	*list = environment_free(*list);
}

static size_t count_entries(char *const *list)
{
	size_t count = 0;

	while (list[count])
		count++;
	return count;
}

char **environment_make(const struct environment *environment, char *const *inherited)
{
	const char *path = environment->root ? PATH_ROOT : PATH_USER;
	const struct variable variables[] = {
		{ "HOME", environment->home },
		{ "USER", environment->user },
		{ "LOGNAME", environment->user },
		{ "SHELL", environment->shell },
		{ "PATH", environment->preserve ? NULL : path },
		{ "NSISOLATE_ID", environment->session },
	};
	_cleanup_(environment_freep) char **list =
		calloc(count_entries(inherited) + ELEMENTS(variables) + 1, sizeof(*list));
	size_t count = 0;

	if (!list)
		return NULL;
	for (size_t i = 0; i < ELEMENTS(variables); i++) {
		if (!variables[i].value)
			continue;
		if (asprintf(&list[count], "%s=%s", variables[i].name, variables[i].value) < 0) {
			list[count] = NULL;
			return NULL;
		}
		count++;
	}
	for (char *const *entry = inherited; *entry; entry++) {
		if (is_set(*entry, variables, ELEMENTS(variables)) || !(environment->preserve || is_kept(*entry)))
			continue;
		list[count] = strdup(*entry);
		if (!list[count])
			return NULL;
		count++;
	}
	return TAKE_PTR(list);
}
