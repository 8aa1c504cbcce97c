/* SPDX-License-Identifier: BSD-3-Clause OR GPL-2.0-or-later */
#include "tools/lint.h"

#include "config/decide.h"
#include "session/syscalls.h"

#include <fcntl.h>
#include <grp.h>
#include <pwd.h>
#include <string.h>
#include <sys/stat.h>

#define SUFFIX       ".conf"
#define DEFAULT_FILE "default" SUFFIX

static const char *const directories[] = { "user", "group" };

static int read_file(int fd, char **ret, size_t *ret_size)
{
	_cleanup_free_ char *text = malloc(POLICY_FILE_MAX + 1);
	size_t size = 0;

	if (!text)
		return -ENOMEM;
	while (size <= POLICY_FILE_MAX) {
		ssize_t got = read(fd, text + size, POLICY_FILE_MAX + 1 - size);

		if (got < 0 && errno != EINTR)
			return -errno;
		if (got == 0)
			break;
		if (got > 0)
			size += (size_t)got;
	}
	*ret = TAKE_PTR(text);
	*ret_size = size;
	return 0;
}

/* An empty directory holds no other: what is private below a private one cannot be mounted. */
static const char *private_above(const struct policy *policy, const char *path)
{
	for (size_t i = 0; i < policy->mount.private_count; i++) {
		const char *above = policy->mount.private[i].path;
		size_t length = strlen(above);

		if (strncmp(path, above, length) == 0 && path[length] == '/')
			return above;
	}
	return NULL;
}

static const char *why_not_mounted(int error)
{
	switch (error) {
	case -ENOENT:
		return "there is no such directory on this host";
	case -ENOTDIR:
		return "it is no directory on this host";
	case -ELOOP:
		return "a symbolic link leads there on this host, and none is followed";
	default:
		return NULL;
	}
}

/* As the session's init will open it. What cannot be known as whoever runs this (EACCES) is passed over. */
static void check_private(const struct policy *policy, const struct private_directory *directory, struct lint *lint)
{
	const char *above = private_above(policy, directory->path), *why;
	_cleanup_close_ int fd = -1;

	if (above) {
		diagnostics_add(&lint->diag, SEVERITY_WARNING, policy->file, directory->origin.line,
				"mount.private \"%s\": it is within \"%s\", which is empty in a session; every login "
				"would be refused",
				directory->path, above);
		return;
	}
	if (strchr(directory->path, '%'))
		return;
	fd = open_directory_nofollow(directory->path);
	why = fd < 0 ? why_not_mounted(fd) : NULL;
	if (why)
		diagnostics_add(&lint->diag, SEVERITY_WARNING, policy->file, directory->origin.line,
				"mount.private \"%s\": %s; every login would be refused", directory->path, why);
}

static void check_host(const struct policy *policy, struct lint *lint)
{
	if (policy->mode != MODE_ENFORCE)
		return;
	for (size_t i = 0; i < policy->mount.private_count; i++)
		check_private(policy, &policy->mount.private[i], lint);
}

static int lint_fd(int fd, const char *name, struct lint *lint, struct policy **ret_policy)
{
	_cleanup_free_ char *text = NULL;
	size_t size = 0;
	int r = read_file(fd, &text, &size);

	if (r < 0)
		return r;
	lint->files++;
	if (size > POLICY_FILE_MAX) {
		diagnostics_add(&lint->diag, SEVERITY_ERROR, name, 0, "longer than %d bytes", POLICY_FILE_MAX);
		return 0;
	}
	return policy_lint(name, text, size, ret_policy, &lint->diag);
}

/* One file given by its own path: what it says is judged, not where it lies. */
static int lint_file(const char *path, struct lint *lint)
{
	_cleanup_close_ int fd = open(path, O_RDONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
	struct stat status;

	if (fd < 0 || fstat(fd, &status) < 0)
		return -errno;
	if (!S_ISREG(status.st_mode))
		return -EINVAL;
	return lint_fd(fd, path, lint, NULL);
}

static bool has_suffix(const char *name)
{
	size_t size = strlen(name);

	return size > strlen(SUFFIX) && strcmp(name + size - strlen(SUFFIX), SUFFIX) == 0;
}

static void check_owner_of_name(struct lint *lint, const char *directory, const char *file, const char *name)
{
	bool group = strcmp(directory, "group") == 0;

	errno = 0;
	if (group ? getgrnam(name) != NULL : getpwnam(name) != NULL)
		return;
	if (errno != 0 && errno != ENOENT)
		diagnostics_add(&lint->diag, SEVERITY_ERROR, file, 0, "the %s '%s' cannot be looked up: %s", directory,
				name, strerror(errno));
	else if (group)
		diagnostics_add(&lint->diag, SEVERITY_ERROR, file, 0,
				"there is no group '%s': this refuses every login that has no user file", name);
	else
		diagnostics_add(&lint->diag, SEVERITY_WARNING, file, 0, "there is no user '%s'", name);
}

static int lint_entry(int root, const char *file, bool live, struct lint *lint)
{
	_cleanup_(policy_freep) struct policy *policy = NULL;
	_cleanup_free_ char *problem = NULL;
	_cleanup_close_ int fd = -1;
	int r = policy_file_open(root, file, live ? 0 : FIND_ANY_OWNER, &fd, &problem);

	if (r < 0) {
		diagnostics_add(&lint->diag, SEVERITY_ERROR, file, 0, "%s", problem ? problem : strerror(-r));
		return 0;
	}
	r = lint_fd(fd, file, lint, &policy);
	if (r == 0 && policy)
		check_host(policy, lint);
	return r;
}

static int any_entry(const struct dirent *entry)
{
	return strcmp(entry->d_name, ".") != 0 && strcmp(entry->d_name, "..") != 0;
}

static int lint_policy_name(int root, const char *directory, const char *entry, bool live, struct lint *lint)
{
	_cleanup_free_ char *file = NULL;
	_cleanup_free_ char *name = NULL;

	if (asprintf(&file, "%s/%s", directory, entry) < 0)
		return -ENOMEM;
	if (entry[0] == '.' || !has_suffix(entry)) {
		diagnostics_add(&lint->diag, SEVERITY_WARNING, file, 0, "not read: its name is not NAME" SUFFIX);
		return 0;
	}
	name = strndup(entry, strlen(entry) - strlen(SUFFIX));
	if (!name)
		return -ENOMEM;
	if (live)
		check_owner_of_name(lint, directory, file, name);
	return lint_entry(root, file, live, lint);
}

static int lint_directory(int root, const char *directory, bool live, struct lint *lint)
{
	struct dirent **entries = NULL;
	int count = scandirat(root, directory, &entries, any_entry, alphasort);
	int r = 0;

	if (count < 0 && errno != ENOENT)
		diagnostics_add(&lint->diag, SEVERITY_ERROR, directory, 0, "cannot be read: %s", strerror(errno));
	for (int i = 0; i < count; i++) {
		if (r == 0)
			r = lint_policy_name(root, directory, entries[i]->d_name, live, lint);
		free(entries[i]);
	}
	free(entries);
	return r;
}

static bool is_known(const char *entry)
{
	for (size_t i = 0; i < ELEMENTS(directories); i++) {
		if (strcmp(entry, directories[i]) == 0)
			return true;
	}
	return strcmp(entry, DEFAULT_FILE) == 0;
}

static int lint_root(int root, bool live, struct lint *lint)
{
	struct dirent **entries = NULL;
	bool has_default = false;
	int count = scandirat(root, ".", &entries, any_entry, alphasort);

	if (count < 0)
		return -errno;
	for (int i = 0; i < count; i++) {
		has_default = has_default || strcmp(entries[i]->d_name, DEFAULT_FILE) == 0;
		if (!is_known(entries[i]->d_name))
			diagnostics_add(&lint->diag, SEVERITY_WARNING, entries[i]->d_name, 0,
					"not read: a policy directory holds user/, group/ and " DEFAULT_FILE);
		free(entries[i]);
	}
	free(entries);

	if (has_default)
		return lint_entry(root, DEFAULT_FILE, live, lint);
	if (live)
		diagnostics_add(&lint->diag, SEVERITY_WARNING, DEFAULT_FILE, 0,
				"missing: logins that no other file decides are refused");
	return 0;
}

static int lint_tree(const char *path, bool live, struct lint *lint, char **ret_problem)
{
	_cleanup_free_ char *absolute = live ? strdup(path) : realpath(path, NULL);
	_cleanup_close_ int root = -1;
	int r;

	if (!absolute)
		return -errno;
	r = policy_directory_open(absolute, live ? 0 : FIND_ANY_OWNER, &root, ret_problem);
	if (r < 0 && live && r != -EACCES && *ret_problem) {
		diagnostics_add(&lint->diag, SEVERITY_ERROR, absolute, 0, "this refuses every login: %s", *ret_problem);
		return 0;
	}
	if (r < 0)
		return r;
	r = lint_root(root, live, lint);
	for (size_t i = 0; r == 0 && i < ELEMENTS(directories); i++)
		r = lint_directory(root, directories[i], live, lint);
	return r;
}

int lint_path(const char *path, bool live, struct lint *ret, char **ret_problem)
{
	_cleanup_(lint_release) struct lint lint = { 0 };
	struct stat status;

	if (!live && stat(path, &status) < 0)
		return -errno;

	int r = live || S_ISDIR(status.st_mode) ? lint_tree(path, live, &lint, ret_problem) : lint_file(path, &lint);

	if (r < 0)
		return r;
	*ret = lint;
	lint = (struct lint){ 0 };
	return 0;
}

void lint_release(struct lint *lint)
{
	diagnostics_release(&lint->diag);
}
