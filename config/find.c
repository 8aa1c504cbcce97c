/* SPDX-License-Identifier: BSD-3-Clause OR GPL-2.0-or-later */
/*
 * Candidates: user/NAME.conf, then group/NAME.conf of every group of the
 * user's, then default.conf. Runs inside sshd, su, sudo and cron: no static
 * state, no stream, no big stack buffer, nothing opened that could block.
 */
#include "config/find.h"

#include "config/judge.h"

#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>

#define SUFFIX ".conf"

/* Appends a candidate; takes fd and problem only on success. */
static int candidates_add(struct candidates *list, enum candidate_kind kind, const char *name, int *fd, char **problem)
{
	_cleanup_free_ char *copy = strdup(name);
	struct candidate *items;

	if (!copy)
		return -ENOMEM;
	if (list->count >= CANDIDATES_MAX)
		return -E2BIG;
	items = reallocarray(list->items, list->count + 1, sizeof(*items));
	if (!items)
		return -ENOMEM;
	list->items = items;
	items[list->count++] = (struct candidate){
		.kind = kind,
		.name = TAKE_PTR(copy),
		.fd = TAKE_FD(*fd),
		.problem = TAKE_PTR(*problem),
	};
	return 0;
}

/* A candidate without a file: whoever reaches it is refused. */
static int add_problem(struct candidates *list, enum candidate_kind kind, const char *name, char **problem)
{
	int fd = -1;

	return candidates_add(list, kind, name, &fd, problem);
}

/* Opens `directory`/`file` (or `file` itself when directory_name is NULL) if it exists and appends it. */
static int add_file(struct candidates *list, enum candidate_kind kind, int directory_fd, const char *directory_name,
		    const char *file, unsigned flags)
{
	_cleanup_free_ char *name = NULL, *problem = NULL;
	_cleanup_close_ int fd = -1;
	int r;

	if (asprintf(&name, "%s%s%s", directory_name ? directory_name : "", directory_name ? "/" : "", file) < 0) {
		name = NULL;
		return -ENOMEM;
	}
	r = judge_file(directory_fd, file, flags, &fd, &problem);
	if (r == -ENOENT)
		return 0;
	if (r < 0 && !problem)
		return r;
	return candidates_add(list, kind, name, &fd, &problem);
}

static int add_user(struct candidates *list, int directory_fd, const struct identity *identity, unsigned flags)
{
	_cleanup_free_ char *problem = NULL, *file = NULL;
	_cleanup_close_ int fd = -1;
	int r;

	r = judge_directory(directory_fd, "user", "user", flags, &fd, &problem);
	if (r == -ENOENT)
		return 0;
	if (r < 0)
		return problem ? add_problem(list, CANDIDATE_USER, "user", &problem) : r;
	if (asprintf(&file, "%s" SUFFIX, identity->name) < 0) {
		file = NULL;
		return -ENOMEM;
	}
	return add_file(list, CANDIDATE_USER, fd, "user", file, flags);
}

/* The group that a file of group/ is for, malloced; NULL with 0 for what is no policy file: see find.h. */
static int group_of_file(const char *file, char **ret)
{
	size_t length = strlen(file), suffix = strlen(SUFFIX);

	*ret = NULL;
	if (file[0] == '.' || length <= suffix || strcmp(file + length - suffix, SUFFIX) != 0)
		return 0;
	*ret = strndup(file, length - suffix);
	return *ret ? 0 : -ENOMEM;
}

static int add_group(struct candidates *list, int group_fd, const struct identity *identity, struct group_list *groups,
		     const char *file, unsigned flags)
{
	_cleanup_free_ char *group = NULL, *problem = NULL, *name = NULL;
	int r;

	r = group_of_file(file, &group);
	if (r < 0 || !group)
		return r;
	/* asked of NSS only when there is a file to ask for */
	if (!groups->gids)
		r = group_list_of(identity, groups);
	if (r < 0)
		return r;
	r = identity_in_group_of(identity, groups, group);
	if (r > 0)
		return add_file(list, CANDIDATE_GROUP, group_fd, "group", file, flags);
	if (r == 0 || r == -ENOMEM)
		return r;
	if (asprintf(&name, "group/%s", file) < 0) {
		name = NULL;
		return -ENOMEM;
	}
	if (asprintf(&problem,
		     r == -ENOENT ? "there is no group '%s'; create the group or remove the file"
				  : "the group '%s' cannot be looked up (%s); see nsswitch.conf(5) and its services",
		     group, strerrordesc_np(-r)) < 0) {
		problem = NULL;
		return -ENOMEM;
	}
	return add_problem(list, CANDIDATE_GROUP, name, &problem);
}

static int compare_candidates(const void *a, const void *b)
{
	const struct candidate *left = a, *right = b;

	return strcmp(left->name, right->name);
}

static int add_groups_from(struct candidates *list, DIR *dir, const struct identity *identity, unsigned flags)
{
	_cleanup_(group_list_release) struct group_list groups = { 0 };
	size_t first = list->count;
	int r;

	for (;;) {
		struct dirent *entry;

		errno = 0;
		entry = readdir(dir);
		if (!entry && errno != 0)
			return -errno;
		if (!entry)
			break;
		r = add_group(list, dirfd(dir), identity, &groups, entry->d_name, flags);
		if (r < 0)
			return r;
	}
	if (list->count > first)
		qsort(list->items + first, list->count - first, sizeof(*list->items), compare_candidates);
	return 0;
}

static int add_groups(struct candidates *list, int directory_fd, const struct identity *identity, unsigned flags)
{
	_cleanup_free_ char *problem = NULL;
	_cleanup_close_ int fd = -1;
	_cleanup_(closedirp) DIR *dir = NULL;
	int r;

	r = judge_directory(directory_fd, "group", "group", flags, &fd, &problem);
	if (r == -ENOENT)
		return 0;
	if (r < 0)
		return problem ? add_problem(list, CANDIDATE_GROUP, "group", &problem) : r;
	dir = fdopendir(fd);
	if (!dir)
		return -errno;
	(void)TAKE_FD(fd);
	return add_groups_from(list, dir, identity, flags);
}

static char *list_problem(int error)
{
	char *problem = NULL;

	if (error == -E2BIG) {
		if (asprintf(&problem, "more than %d policy files are this user's", CANDIDATES_MAX) < 0)
			return NULL;
	} else if (asprintf(&problem, "the policy files cannot be listed: %s", strerrordesc_np(-error)) < 0) {
		return NULL;
	}
	return problem;
}

int candidates_set_root(struct candidates *list, int directory_fd, unsigned flags)
{
	int fd = fcntl(directory_fd, F_DUPFD_CLOEXEC, 3);

	if (fd < 0)
		return -errno;
	list->root = (struct policy_root){ .open = true, .fd = fd, .flags = flags };
	return 0;
}

int candidates_find(int directory_fd, const struct identity *identity, unsigned flags, struct candidates *ret,
		    char **ret_problem)
{
	_cleanup_(candidates_release) struct candidates list = { 0 };
	int r;

	r = add_user(&list, directory_fd, identity, flags);
	if (r >= 0 && !(flags & FIND_USER_ONLY))
		r = add_groups(&list, directory_fd, identity, flags);
	if (r >= 0 && !(flags & FIND_USER_ONLY))
		r = add_file(&list, CANDIDATE_DEFAULT, directory_fd, NULL, "default" SUFFIX, flags);
	if (r >= 0)
		r = candidates_set_root(&list, directory_fd, flags);
	if (r < 0) {
		*ret_problem = list_problem(r);
		return r;
	}
	*ret = list;
	list = (struct candidates){ 0 };
	return 0;
}

void candidates_release(struct candidates *list)
{
	for (size_t i = 0; i < list->count; i++) {
		free(list->items[i].name);
		free(list->items[i].problem);
		close_fd(list->items[i].fd);
	}
	free(list->items);
	if (list->root.open)
		close_fd(list->root.fd);
	*list = (struct candidates){ 0 };
}

/* Component by component from the root. `what` is the kind of directory, for a sentence that says it is missing. */
static int open_directory(const char *what, const char *path, unsigned flags, int *ret_fd, char **ret_problem)
{
	_cleanup_free_ char *copy = strdup(path);
	_cleanup_close_ int fd = -1;
	char *rest, *component;
	int r;

	if (!copy)
		return -ENOMEM;
	r = judge_directory(AT_FDCWD, "/", "/", flags, &fd, ret_problem);
	rest = copy;
	while (r >= 0 && (component = strsep(&rest, "/"))) {
		_cleanup_close_ int parent = TAKE_FD(fd);

		if (component[0] == '\0' || strcmp(component, ".") == 0) {
			fd = TAKE_FD(parent);
			continue;
		}
		_cleanup_free_ char *shown = strndup(path, (size_t)(component - copy) + strlen(component));

		if (!shown)
			return -ENOMEM;
		r = judge_directory(parent, component, shown, flags, &fd, ret_problem);
		if (r == -ENOENT &&
		    asprintf(ret_problem, "the %s %s is missing: there is no '%s'", what, path, component) < 0)
			*ret_problem = NULL;
	}
	if (r < 0)
		return r;
	*ret_fd = TAKE_FD(fd);
	return 0;
}

int policy_directory_open(const char *path, unsigned flags, int *ret_fd, char **ret_problem)
{
	if (path[0] != '/') {
		*ret_problem = strdup("the policy directory must be an absolute path");
		return -EINVAL;
	}
	return open_directory("policy directory", path, flags, ret_fd, ret_problem);
}

/* A relative path from the current directory on; malloced. */
static char *absolute_path(const char *path)
{
	_cleanup_free_ char *directory = path[0] == '/' ? NULL : getcwd(NULL, 0);
	char *absolute;

	if (path[0] == '/')
		return strdup(path);
	if (!directory || asprintf(&absolute, "%s/%s", strcmp(directory, "/") == 0 ? "" : directory, path) < 0)
		return NULL;
	return absolute;
}

/* Opens and judges the file at an absolute path; the problem names it. */
static int open_file(const char *path, unsigned flags, int *ret_fd, char **ret_problem)
{
	const char *file = strrchr(path, '/') + 1;
	_cleanup_free_ char *directory = strndup(path, (size_t)(file - path));
	_cleanup_free_ char *problem = NULL;
	_cleanup_close_ int fd = -1;
	int r;

	if (!directory)
		return -ENOMEM;
	r = open_directory("directory", directory, flags, &fd, ret_problem);
	if (r < 0)
		return r;
	r = judge_file(fd, file, flags, ret_fd, &problem);
	if (r < 0 && asprintf(ret_problem, "%s: %s", path, problem ? problem : strerrordesc_np(-r)) < 0)
		*ret_problem = NULL;
	return r;
}

int candidates_from_file(const char *path, unsigned flags, struct candidates *ret, char **ret_problem)
{
	_cleanup_(candidates_release) struct candidates list = { 0 };
	_cleanup_free_ char *absolute = absolute_path(path), *none = NULL;
	_cleanup_close_ int fd = -1;
	int r;

	if (!absolute)
		return -ENOMEM;
	r = open_file(absolute, flags | FIND_ANYWHERE, &fd, ret_problem);
	if (r >= 0)
		r = candidates_add(&list, CANDIDATE_USER, absolute, &fd, &none);
	if (r < 0)
		return r;
	*ret = list;
	list = (struct candidates){ 0 };
	return 0;
}

int root_policy_exists(const char *path)
{
	_cleanup_free_ char *file = NULL;
	struct stat st;

	if (asprintf(&file, "%s/user/root" SUFFIX, path) < 0) {
		file = NULL;
		return -ENOMEM;
	}
	/* by its path: a user who makes descriptors scarce before they become root cannot keep it from being asked */
	if (lstat(file, &st) == 0)
		return 1;
	/* no directory of policies, none of users, or something else in its place */
	return errno == ENOENT || errno == ENOTDIR ? 0 : -errno;
}
