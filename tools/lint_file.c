/* SPDX-License-Identifier: BSD-3-Clause OR GPL-2.0-or-later */
/* One policy file, by its own path or as input under a name. */
#include "config/path.h"
#include "nsisolate-config.h"
#include "tools/lint_walk.h"

#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>

/* Where a file given by its own path is: "group/students.conf" below its policy directory. */
struct location {
	char *directory; /* that above user/ and group/, else its own */
	char *name;      /* below it */
};

static void location_release(struct location *location)
{
	free(location->directory);
	free(location->name);
}

static int locate(const char *path, struct location *ret)
{
	_cleanup_(location_release) struct location found = { 0 };
	const char *file = strrchr(path, '/');
	_cleanup_free_ char *given = file ? strndup(path, (size_t)(file - path) + 1) : strdup("."), *last = NULL;

	file = file ? file + 1 : path;
	if (!given)
		return -ENOMEM;
	found.directory = realpath(given, NULL);
	if (!found.directory)
		return -errno;

	char *slash = strrchr(found.directory, '/');

	if (slash && lint_is_directory(slash + 1)) {
		last = strdup(slash + 1);
		if (!last)
			return -ENOMEM;
		slash[slash == found.directory] = '\0';
	}
	if (asprintf(&found.name, "%s%s%s", last ? last : "", last ? "/" : "", file) < 0) {
		found.name = NULL;
		return -ENOMEM;
	}
	*ret = found;
	found = (struct location){ 0 };
	return 0;
}

static bool is_live(const char *directory)
{
	_cleanup_free_ char *live = realpath(NSISOLATE_POLICY_DIRECTORY, NULL);

	return live && strcmp(directory, live) == 0;
}

/* What extends are looked for in, and whether it decides logins. */
static void open_root(const struct location *location, struct lint_walk *walk)
{
	_cleanup_free_ char *ignored = NULL;

	if (policy_directory_open(location->directory, FIND_ANY_OWNER, &walk->root.fd, &ignored) < 0)
		return;
	walk->root.open = true;
	walk->root.flags = FIND_ANY_OWNER;
	walk->live = is_live(location->directory);
}

/* Whether logins could use a file of the live directory, once it has its name. */
static int lint_live_file(struct lint_walk *walk, const struct location *location, const char *path)
{
	const char *entry = strrchr(location->name, '/');
	_cleanup_free_ char *problem = NULL;
	_cleanup_close_ int fd = -1;

	if (policy_file_open(walk->root.fd, location->name, 0, &fd, &problem) < 0 && problem)
		diagnostics_add(&walk->lint->diag, SEVERITY_ERROR, path, 0, "%s", problem);
	if (!entry || entry[1] == '.' || !lint_has_suffix(entry + 1))
		return 0;
	return lint_owner(walk->lint, lint_place_of(location->name), location->name, path);
}

int lint_file(const char *path, struct lint *lint)
{
	_cleanup_(lint_walk_release) struct lint_walk walk = { .lint = lint };
	_cleanup_(policy_freep) struct policy *policy = NULL;
	_cleanup_(location_release) struct location location = { 0 };
	_cleanup_close_ int fd = open(path, O_RDONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
	_cleanup_free_ char *text = NULL;
	struct lint_look context = { .lint = lint };
	const struct policy_visitor visitor = { lint_look, &context };
	struct stat status;
	size_t size;
	int r;

	if (fd < 0 || fstat(fd, &status) < 0)
		return -errno;
	if (!S_ISREG(status.st_mode))
		return -EINVAL;
	r = lint_read_policy(fd, path, lint, &text, &size);
	if (r < 0 || !text)
		return r;
	r = locate(path, &location);
	if (r < 0)
		return r;
	open_root(&location, &walk);
	if (walk.live)
		r = lint_live_file(&walk, &location, path);
	if (r < 0)
		return r;
	r = policy_lint_below(&walk.root, path, text, size, walk.live ? &visitor : lint->visitor, &policy, &lint->diag);
	if (r == 0 && policy && walk.live)
		lint_services(policy, &lint->diag);
	return r;
}

/* Without a live directory a file that extends none can be judged all the same; one that does says what is missing. */
static int open_root_of_input(const char *path, bool live, struct policy_root *ret, char **ret_problem)
{
	_cleanup_free_ char *absolute = realpath(path, NULL);
	int r = absolute ? policy_directory_open(absolute, FIND_ANY_OWNER, &ret->fd, ret_problem) : -errno;

	if (r < 0) {
		if (!live)
			return r;
		free(*ret_problem);
		*ret_problem = NULL;
		return 0;
	}
	ret->open = true;
	ret->flags = FIND_ANY_OWNER;
	return 0;
}

static int lint_input_text(struct lint_walk *walk, const char *file, const char *text, size_t size)
{
	_cleanup_(policy_freep) struct policy *policy = NULL;
	struct lint_look context = { .lint = walk->lint };
	const struct policy_visitor visitor = { lint_look, &context };
	struct diagnostics *diag = &walk->lint->diag;
	enum lint_place place = lint_place_of(file);
	int r = walk->live ? lint_owner(walk->lint, place, file, file) : 0;

	if (r < 0)
		return r;
	if (place == LINT_BASE)
		return policy_lint_base(&walk->root, file, text, size, diag);
	r = policy_lint_below(&walk->root, file, text, size, &visitor, &policy, diag);
	return r < 0 || !policy ? r : lint_whole_policy(walk, place, policy);
}

int lint_input(int fd, const char *name, const char *path, bool live, struct lint *ret, char **ret_problem)
{
	_cleanup_(lint_release) struct lint lint = { 0 };
	_cleanup_(lint_walk_release) struct lint_walk walk = { .lint = &lint, .live = live };
	_cleanup_free_ char *file = NULL, *text = NULL;
	size_t size;
	int r = policy_name_parse(name, &file, ret_problem);

	if (r >= 0)
		r = open_root_of_input(path, live, &walk.root, ret_problem);
	if (r >= 0) {
		r = lint_read_policy(fd, file, &lint, &text, &size);
		if (r < 0 && asprintf(ret_problem, "the input: %s", strerror(-r)) < 0)
			*ret_problem = NULL;
	}
	if (r >= 0 && text)
		r = lint_input_text(&walk, file, text, size);
	if (r < 0)
		return r;
	*ret = lint;
	lint = (struct lint){ 0 };
	return 0;
}
