/* SPDX-License-Identifier: BSD-3-Clause OR GPL-2.0-or-later */
#include "config/path.h"

#include "common/paths.h"
#include "config/expand.h"
#include "config/problem.h"
#include "nsisolate-config.h"

#include <string.h>

static const char *const session_trees[] = { "/proc", "/sys", "/dev", "/run" };
static const char *const needed_inside[] = { NSISOLATE_POLICY_DIRECTORY, NSISOLATE_HELPER_DIRECTORY };
/* Of /run, where other directories may be hidden: the session's own, and what mount.runtime-dir is for. */
static const char *const own_inside[] = { "/run/nsisolate", "/run/user" };

/* What is said of a path, and the trees that it may not lie in: the first of session_trees. */
static const struct {
	const char *participle;
	size_t trees;
	bool hides; /* what logins inside need must not lie there */
	bool takes; /* nor what the session has of its own */
} uses[PATH_USES] = {
	[PATH_PRIVATE] = { "private", 4, true, false },           [PATH_BIND] = { "covered", 4, true, false },
	[PATH_SOURCE] = { "a source", 4, false, false },          [PATH_HIDE] = { "hidden", 3, true, true },
	[PATH_READ_ONLY] = { "read-only", 3, false, true },       [PATH_HOMES] = { "hidden", 4, true, false },
	[PATH_HOME] = { "a home of one's own", 4, false, false },
};

static int normalise(const char *text, char **ret, char **ret_problem)
{
	_cleanup_free_ char *path = malloc(strlen(text) + 2), *copy = strdup(text);
	char *rest = copy, *component, *end = path;

	if (!path || !copy)
		return -ENOMEM;
	*end = '\0';
	while ((component = strsep(&rest, "/"))) {
		if (component[0] == '\0' || strcmp(component, ".") == 0)
			continue;
		if (strcmp(component, "..") == 0)
			return problem(ret_problem, -EINVAL, "'%s' has '..' in it", text);
		end = stpcpy(stpcpy(end, "/"), component);
	}
	if (end == path)
		(void)stpcpy(end, "/");
	*ret = TAKE_PTR(path);
	return 0;
}

/* Everything that a pattern can become lies below its last '/' before the first '%'. */
static int check_expansions(const char *path, char **ret_problem)
{
	_cleanup_free_ char *above = NULL;
	const char *percent = strchr(path, '%'), *slash;
	int r;

	if (!percent)
		return 0;
	r = expand_check(path, EXPAND_PATH, ret_problem);
	if (r < 0)
		return r;
	slash = memrchr(path, '/', (size_t)(percent - path));
	above = slash == path ? strdup("/") : strndup(path, (size_t)(slash - path));
	if (!above)
		return -ENOMEM;
	for (size_t i = 0; i < ELEMENTS(session_trees); i++)
		if (path_is_within(session_trees[i], above))
			return problem(ret_problem, -EINVAL, "'%s': an expansion cannot choose a directory of '%s'",
				       path, above);
	for (size_t i = 0; i < ELEMENTS(needed_inside); i++)
		if (path_is_within(needed_inside[i], above))
			return problem(ret_problem, -EINVAL, "'%s': an expansion cannot choose a directory of '%s'",
				       path, above);
	return 0;
}

static int check_place(const char *path, enum path_use use, char **ret_problem)
{
	if (strcmp(path, "/") == 0)
		return problem(ret_problem, -EINVAL, "'/' cannot be %s", uses[use].participle);
	for (size_t i = 0; i < uses[use].trees; i++)
		if (path_is_within(path, session_trees[i]))
			return problem(ret_problem, -EINVAL, "'%s' is within %s, which cannot be %s", path,
				       session_trees[i], uses[use].participle);
	for (size_t i = 0; uses[use].takes && i < ELEMENTS(own_inside); i++)
		if (path_is_within(own_inside[i], path) || path_is_within(path, own_inside[i]))
			return problem(ret_problem, -EINVAL, "'%s' cannot be %s: a session has a %s of its own", path,
				       uses[use].participle, own_inside[i]);
	for (size_t i = 0; uses[use].hides && i < ELEMENTS(needed_inside); i++)
		if (path_is_within(needed_inside[i], path) || path_is_within(path, needed_inside[i]))
			return problem(ret_problem, -EINVAL, "'%s' would hide %s, which logins inside the session need",
				       path, needed_inside[i]);
	return 0;
}

/* What holds with and without expansions. */
static int parse_plain(const char *text, enum path_use use, char **ret, char **ret_problem)
{
	_cleanup_free_ char *path = NULL;
	int r;

	if (text[0] != '/')
		return problem(ret_problem, -EINVAL, "'%s' is no absolute path", text);
	if (strpbrk(text, "\"\\"))
		return problem(ret_problem, -EINVAL, "'%s': quotes and backslashes are not allowed in a path", text);
	r = normalise(text, &path, ret_problem);
	if (r >= 0)
		r = check_place(path, use, ret_problem);
	if (r < 0)
		return r;
	*ret = TAKE_PTR(path);
	return 0;
}

int mount_path_parse(const char *text, enum path_use use, char **ret, char **ret_problem)
{
	_cleanup_free_ char *path = NULL;
	int r = parse_plain(text, use, &path, ret_problem);

	if (r >= 0)
		r = check_expansions(path, ret_problem);
	if (r < 0)
		return r;
	*ret = TAKE_PTR(path);
	return 0;
}

int mount_path_expand(const char *path, enum path_use use, const struct expansion *values, char **ret,
		      char **ret_problem)
{
	_cleanup_free_ char *expanded = NULL;
	int r = expand(path, values, EXPAND_PATH, &expanded, ret_problem);

	return r < 0 ? r : parse_plain(expanded, use, ret, ret_problem);
}

int home_path_parse(const char *text, char **ret, char **ret_problem)
{
	return parse_plain(text, PATH_HOME, ret, ret_problem);
}

int listed_path_parse(const char *text, enum path_use use, char **ret, char **ret_problem)
{
	_cleanup_free_ char *path = NULL;
	int r = mount_path_parse(listed_path(text), use, &path, ret_problem);

	if (r < 0)
		return r;
	return asprintf(ret, "%s%s", listed_path_may_be_missing(text) ? "-" : "", path) < 0 ? -ENOMEM : 0;
}

char *path_encode(const char *path)
{
	char *name = malloc(strlen(path) * strlen("%2F") + 1), *end = name;

	for (; name && *path; path++) {
		if (*path == '/' || *path == '%')
			end = stpcpy(end, *path == '/' ? "%2F" : "%25");
		else
			*end++ = *path;
	}
	if (name)
		*end = '\0';
	return name;
}

int host_file_parse(const char *text, char **ret, char **ret_problem)
{
	if (text[0] != '/')
		return problem(ret_problem, -EINVAL, "'%s' is neither session, host nor an absolute path", text);
	if (strpbrk(text, "\"\\%"))
		return problem(ret_problem, -EINVAL, "'%s': quotes, backslashes and '%%' are not allowed in this path",
			       text);
	return normalise(text, ret, ret_problem);
}

#define POLICY_SUFFIX   ".conf"
#define POLICY_FILE_LEN 255 /* NAME_MAX */

int policy_name_parse(const char *text, char **ret, char **ret_problem)
{
	const char *slash = strchr(text, '/'), *file = slash ? slash + 1 : text;
	size_t length = strlen(file), suffix = strlen(POLICY_SUFFIX);
	bool has_suffix = length >= suffix && strcmp(file + length - suffix, POLICY_SUFFIX) == 0;
	bool known = !slash || strncmp(text, "user/", 5) == 0 || strncmp(text, "group/", 6) == 0;

	length -= has_suffix ? suffix : 0;
	if (!known || length == 0 || length > POLICY_FILE_LEN - suffix || file[0] == '.' || strchr(file, '/'))
		return problem(ret_problem, -EINVAL,
			       "'%s' is no file of the policy directory: NAME" POLICY_SUFFIX ", user/NAME" POLICY_SUFFIX
			       " or group/NAME" POLICY_SUFFIX,
			       text);
	return asprintf(ret, "%s%s", text, has_suffix ? "" : POLICY_SUFFIX) < 0 ? -ENOMEM : 0;
}
