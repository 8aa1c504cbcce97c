/* SPDX-License-Identifier: BSD-3-Clause OR GPL-2.0-or-later */
/* A policy directory, file by file. */
#include "config/text_list.h"
#include "tools/lint_walk.h"

#include <fcntl.h>
#include <string.h>

/* name: of the user or group that it is for, or NULL. */
static int lint_entry(struct lint_walk *walk, enum lint_place place, const char *file, const char *name)
{
	_cleanup_(policy_freep) struct policy *policy = NULL;
	_cleanup_free_ char *problem = NULL, *text = NULL;
	_cleanup_close_ int fd = -1;
	struct lint_look context = { .lint = walk->lint };
	const struct policy_visitor visitor = { lint_look, &context };
	struct diagnostics *diag = &walk->lint->diag;
	size_t size;
	int r = policy_file_open(walk->root.fd, file, walk->root.flags, &fd, &problem);

	if (r < 0) {
		walk->lint->files++;
		diagnostics_add(diag, SEVERITY_ERROR, file, 0, "%s", problem ? problem : strerror(-r));
		return 0;
	}
	r = lint_read_policy(fd, file, walk->lint, &text, &size);
	if (r < 0 || !text)
		return r;
	if (place == LINT_BASE)
		return policy_lint_base(&walk->root, file, text, size, diag);
	r = policy_lint_below(&walk->root, file, text, size, &visitor, &policy, diag);
	if (r == 0 && policy)
		r = lint_whole_policy(walk, place, policy);
	if (r == 0 && policy && walk->live && place == LINT_USER)
		r = user_files_add(&walk->users, policy, name);
	return r;
}

static int any_entry(const struct dirent *entry)
{
	return strcmp(entry->d_name, ".") != 0 && strcmp(entry->d_name, "..") != 0;
}

static int lint_policy_name(struct lint_walk *walk, enum lint_place place, const char *directory, const char *entry)
{
	_cleanup_free_ char *file = NULL;
	_cleanup_free_ char *name = NULL;

	if (asprintf(&file, "%s/%s", directory, entry) < 0)
		return -ENOMEM;
	if (entry[0] == '.' || !lint_has_suffix(entry)) {
		diagnostics_add(&walk->lint->diag, SEVERITY_WARNING, file, 0,
				"not read: its name is not NAME" POLICY_SUFFIX);
		return 0;
	}
	name = strndup(entry, strlen(entry) - strlen(POLICY_SUFFIX));
	if (!name)
		return -ENOMEM;
	if (walk->live && place == LINT_USER)
		lint_user_name(file, name, &walk->lint->diag);
	if (walk->live && place == LINT_GROUP)
		lint_group_name(file, name, &walk->lint->diag);
	return lint_entry(walk, place, file, name);
}

static int lint_directory(struct lint_walk *walk, enum lint_place place, const char *directory)
{
	struct dirent **entries = NULL;
	int count = scandirat(walk->root.fd, directory, &entries, any_entry, alphasort);
	int r = 0;

	if (count < 0 && errno != ENOENT)
		diagnostics_add(&walk->lint->diag, SEVERITY_ERROR, directory, 0, "cannot be read: %s", strerror(errno));
	for (int i = 0; i < count; i++) {
		if (r == 0)
			r = lint_policy_name(walk, place, directory, entries[i]->d_name);
		free(entries[i]);
	}
	free(entries);
	return r;
}

/* A file beside default.conf, which is there for others to build on. After all others: they say what they extend. */
static int lint_base(struct lint_walk *walk, const char *entry)
{
	struct diagnostics *diag = &walk->lint->diag;

	if (entry[0] == '.' || !lint_has_suffix(entry)) {
		diagnostics_add(diag, SEVERITY_WARNING, entry, 0,
				"not read: a policy directory holds user/, group/, " POLICY_DEFAULT
				" and NAME" POLICY_SUFFIX " for others to extend");
		return 0;
	}
	/* what a broken file extends is not known */
	if (!diagnostics_failed(diag) && !text_list_has(walk->sources, entry))
		diagnostics_add(diag, SEVERITY_WARNING, entry, 0, "not read: no file extends it");
	return lint_entry(walk, LINT_BASE, entry, NULL);
}

static int lint_bases(struct lint_walk *walk)
{
	struct dirent **entries = NULL;
	int count = scandirat(walk->root.fd, ".", &entries, any_entry, alphasort);
	int r = 0;

	if (count < 0)
		return -errno;
	for (int i = 0; i < count; i++) {
		const char *entry = entries[i]->d_name;

		if (r == 0 && strcmp(entry, POLICY_DEFAULT) != 0 && !lint_is_directory(entry))
			r = lint_base(walk, entry);
		free(entries[i]);
	}
	free(entries);
	return r;
}

static int lint_default(struct lint_walk *walk)
{
	if (faccessat(walk->root.fd, POLICY_DEFAULT, F_OK, AT_SYMLINK_NOFOLLOW) == 0 || errno != ENOENT)
		return lint_entry(walk, LINT_DEFAULT, POLICY_DEFAULT, NULL);
	if (walk->live)
		diagnostics_add(&walk->lint->diag, SEVERITY_WARNING, POLICY_DEFAULT, 0,
				"missing: logins that no other file decides are refused");
	return 0;
}

static int lint_files(struct lint_walk *walk)
{
	int r = lint_default(walk);

	if (r == 0)
		r = lint_directory(walk, LINT_USER, "user");
	if (r == 0)
		r = lint_directory(walk, LINT_GROUP, "group");
	if (r == 0)
		r = lint_bases(walk);
	if (r == 0)
		lint_ranks(&walk->ranks, &walk->lint->diag);
	if (r == 0)
		lint_pools(&walk->pools, &walk->lint->diag);
	if (r == 0)
		lint_users(&walk->users, &walk->lint->diag);
	return r;
}

/* "user" or "group" by itself, which is no policy directory; NULL for all others. */
static char *policy_directory_above(const char *absolute, int fd)
{
	const char *slash = strrchr(absolute, '/');

	if (!slash || slash == absolute || !lint_is_directory(slash + 1) ||
	    faccessat(fd, POLICY_DEFAULT, F_OK, AT_SYMLINK_NOFOLLOW) == 0 ||
	    faccessat(fd, "user", F_OK, AT_SYMLINK_NOFOLLOW) == 0 ||
	    faccessat(fd, "group", F_OK, AT_SYMLINK_NOFOLLOW) == 0)
		return NULL;
	return strndup(absolute, (size_t)(slash - absolute));
}

int lint_tree(const char *path, bool live, struct lint *lint, char **ret_problem)
{
	_cleanup_(lint_walk_release) struct lint_walk walk = { .lint = lint, .live = live };
	_cleanup_free_ char *absolute = live ? strdup(path) : realpath(path, NULL), *above = NULL;
	int r;

	if (!absolute)
		return -errno;
	walk.root.flags = live ? 0 : FIND_ANY_OWNER;
	r = policy_directory_open(absolute, walk.root.flags, &walk.root.fd, ret_problem);
	if (r < 0 && live && r != -EACCES && *ret_problem) {
		diagnostics_add(&lint->diag, SEVERITY_ERROR, absolute, 0, "this refuses every login: %s", *ret_problem);
		return 0;
	}
	if (r < 0)
		return r;
	walk.root.open = true;
	above = live ? NULL : policy_directory_above(absolute, walk.root.fd);
	if (!above)
		return lint_files(&walk);
	if (asprintf(ret_problem, "%s: is not checked without the policy directory that it is in: nsinspect check %s",
		     path, above) < 0)
		*ret_problem = NULL;
	return -EINVAL;
}
