/* SPDX-License-Identifier: BSD-3-Clause OR GPL-2.0-or-later */
#include "session/cgroup.h"

#include "common/error.h"
#include "common/read_whole.h"
#include "session/syscalls.h"

#include <fcntl.h>
#include <mntent.h>
#include <stdbool.h>
#include <string.h>

#define STATE_MAX 4096

static int explain(char **ret_text, const char *group, const char *reason, int error)
{
	if (asprintf(ret_text, "%s: %s", group, reason) < 0)
		*ret_text = NULL;
	return error;
}

int cgroup_next(char **text, struct cgroup *ret)
{
	char *line;

	do
		line = strsep(text, "\n");
	while (line && !*line);
	if (!line)
		return 0;

	/* HIERARCHY:CONTROLLERS:PATH, of which the last alone may hold a colon */
	char *controllers = strchr(line, ':');
	char *path = controllers ? strchr(controllers + 1, ':') : NULL;

	if (!path)
		return -EBADMSG;
	*path++ = '\0';
	*ret = (struct cgroup){ .controllers = controllers + 1, .path = path };
	return 1;
}

/* 1: a process with this text is in the group; 0: not; -ENOMEM. */
static int is_in(const char *text, const struct cgroup *group)
{
	_cleanup_free_ char *copy = strdup(text);
	char *rest = copy;
	struct cgroup other;

	if (!copy)
		return -ENOMEM;
	while (cgroup_next(&rest, &other) > 0)
		if (strcmp(other.controllers, group->controllers) == 0)
			return strcmp(other.path, group->path) == 0;
	return 0;
}

/* proc_pid_mounts(5): each controller of a hierarchy is among the options of its file system. */
static bool is_hierarchy(const struct mntent *entry, const char *controllers)
{
	_cleanup_free_ char *first = strndup(controllers, strcspn(controllers, ","));

	if (!first)
		return false;
	if (!*controllers)
		return strcmp(entry->mnt_type, "cgroup2") == 0;
	return strcmp(entry->mnt_type, "cgroup") == 0 && hasmntopt(entry, first);
}

char *cgroup_mount_find(const char *controllers)
{
	FILE *mounts = setmntent("/proc/self/mounts", "re");
	const struct mntent *entry;
	char *found = NULL;

	while (mounts && !found && (entry = getmntent(mounts)))
		if (is_hierarchy(entry, controllers))
			found = strdup(entry->mnt_dir);
	if (mounts)
		(void)endmntent(mounts);
	return found;
}

int cgroup_open(int root, const char *path)
{
	const struct open_how how = {
		.flags = O_PATH | O_DIRECTORY | O_CLOEXEC,
		.resolve = RESOLVE_BENEATH | RESOLVE_NO_SYMLINKS | RESOLVE_NO_MAGICLINKS | RESOLVE_NO_XDEV,
	};
	int fd;

	while (*path == '/')
		path++;
	fd = sys_openat2(root, *path ? path : ".", &how);
	return fd < 0 ? negative_errno() : fd;
}

static int read_file(int directory, const char *name, char **ret)
{
	_cleanup_close_ int fd = openat(directory, name, O_RDONLY | O_NOFOLLOW | O_CLOEXEC);
	size_t size;

	return fd < 0 ? negative_errno() : read_head(fd, STATE_MAX, ret, &size);
}

/* Itself or by a group above it. A group without these files cannot be frozen. */
static bool is_frozen(int directory)
{
	_cleanup_free_ char *events = NULL, *state = NULL;

	if (read_file(directory, "cgroup.events", &events) == 0 && strstr(events, "frozen 1"))
		return true;
	return read_file(directory, "freezer.state", &state) == 0 && strcmp(state, "THAWED\n") != 0;
}

/* "0" is whoever writes it. */
static int write_self(int directory)
{
	_cleanup_close_ int fd = openat(directory, "cgroup.procs", O_WRONLY | O_NOFOLLOW | O_CLOEXEC);

	return fd < 0 || write(fd, "0", 1) < 0 ? negative_errno() : 0;
}

static int join(const struct cgroup *group, char **ret_text)
{
	const char *kind = *group->controllers ? group->controllers : "cgroup2";
	_cleanup_free_ char *mount = NULL, *path = NULL;
	_cleanup_close_ int directory = -1;
	int r;

	/* cgroup_namespaces(7): above the root of this process's own */
	if (strncmp(group->path, "/..", strlen("/..")) == 0)
		return explain(ret_text, group->path, "is above the groups that are seen from here", -EXDEV);
	mount = cgroup_mount_find(group->controllers);
	if (!mount)
		return explain(ret_text, kind, "no file system of these control groups is mounted", -ENOENT);
	if (asprintf(&path, "%s%s", mount, group->path) < 0) {
		path = NULL;
		return -ENOMEM;
	}
	directory = open(path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (directory < 0) {
		r = negative_errno();
		return explain(ret_text, path, strerror(-r), r);
	}
	if (is_frozen(directory))
		return explain(ret_text, path, "the control group is frozen; thaw it first", -EBUSY);
	r = write_self(directory);
	return r < 0 ? explain(ret_text, path, strerror(-r), r) : 0;
}

int cgroups_read_own(char **ret)
{
	_cleanup_close_ int fd = open("/proc/self/cgroup", O_RDONLY | O_CLOEXEC);
	size_t size;

	return fd < 0 ? negative_errno() : read_head(fd, CGROUPS_MAX, ret, &size);
}

/* Does something about each of these groups that this process is not in. */
static int for_missing(const char *wanted, int (*fn)(const struct cgroup *group, char **ret_text), char **ret_text)
{
	_cleanup_free_ char *copy = strdup(wanted), *own = NULL;
	char *rest = copy;
	struct cgroup group;
	int r = copy ? cgroups_read_own(&own) : -ENOMEM;

	while (r >= 0 && (r = cgroup_next(&rest, &group)) > 0) {
		r = is_in(own, &group);
		if (r == 0)
			r = fn(&group, ret_text);
	}
	return r;
}

/* What is mounted need not begin at the root of its hierarchy, so that the same path would be another group. */
static int refuse(const struct cgroup *group, char **ret_text)
{
	return explain(ret_text, group->path, "a group of this path is not this one", -EXDEV);
}

int cgroups_join(const char *wanted, char **ret_text)
{
	int r;

	*ret_text = NULL;
	r = for_missing(wanted, join, ret_text);
	return r < 0 ? r : for_missing(wanted, refuse, ret_text);
}
