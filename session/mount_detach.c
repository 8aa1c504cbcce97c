/* SPDX-License-Identifier: BSD-3-Clause OR GPL-2.0-or-later */
#include "session/mount_detach.h"

#include "common/unescape.h"
#include "session/syscalls.h"

#include <fcntl.h>
#include <limits.h>
#include <stdbool.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>

#define MOUNTINFO "/proc/self/mountinfo"
/* Mounts that lie over others come to light when they are gone. */
#define PASSES_MAX   64

#define FD_PATH_SIZE (sizeof("/proc/self/fd/") + 3 * sizeof(int) + 1 + NAME_MAX)

int mount_detach_at(int directory)
{
	char path[FD_PATH_SIZE];
	struct statx status;

	if (statx(directory, "", AT_EMPTY_PATH, 0, &status) < 0)
		return -errno;
	if (!(status.stx_attributes & STATX_ATTR_MOUNT_ROOT))
		return 0;
	(void)snprintf(path, sizeof(path), "/proc/self/fd/%d", directory);
	if (umount2(path, MNT_DETACH) == 0)
		return 1;
	return errno == EINVAL ? 0 : -errno;
}

/* proc_pid_mountinfo(5): the path of a mount from `tree` on, in the line; NULL where it is not below that. */
static char *path_below(char *line, const char *tree)
{
	const size_t length = strlen(tree);
	char *field = NULL;

	for (unsigned i = 0; i < 5; i++)
		field = strsep(&line, " ");
	if (!field)
		return NULL;
	unescape_octal(field);
	return strncmp(field, tree, length) == 0 && field[length] == '/' ? field + length + 1 : NULL;
}

/*
 * True when something was taken away. The way there stays within the file system of `directory`, and only that of the
 * last name is crossed, by umount2(2), which does not ask it: a user's may answer late, or never. Whatever else may be
 * put there meanwhile is below `directory`, too.
 */
static bool detach(int directory, char *path)
{
	const struct open_how how = { .flags = O_PATH | O_DIRECTORY | O_CLOEXEC,
				      .resolve = RESOLVE_BENEATH | RESOLVE_NO_SYMLINKS | RESOLVE_NO_MAGICLINKS |
						 RESOLVE_NO_XDEV };
	char *slash = strrchr(path, '/');
	const char *name = slash ? slash + 1 : path;
	_cleanup_close_ int parent = -1;
	char target[FD_PATH_SIZE];

	if (slash)
		*slash = '\0';
	parent = sys_openat2(directory, slash ? path : ".", &how);
	if (parent < 0 || strlen(name) > NAME_MAX)
		return false;
	(void)snprintf(target, sizeof(target), "/proc/self/fd/%d/%s", parent, name);
	return umount2(target, MNT_DETACH | UMOUNT_NOFOLLOW) == 0;
}

/* 1 when something was taken away, or 0, or -errno. */
static int detach_once(int directory, const char *tree)
{
	_cleanup_(fclosep) FILE *file = fopen(MOUNTINFO, "re");
	_cleanup_free_ char *line = NULL;
	size_t size = 0;
	int found = 0;

	if (!file)
		return -errno;
	while (getline(&line, &size, file) > 0) {
		char *path = path_below(line, tree);

		if (path && detach(directory, path))
			found = 1;
	}
	return ferror(file) ? -EIO : found;
}

int mounts_detach_below(int directory)
{
	_cleanup_free_ char *tree = calloc(1, PATH_MAX + 1);
	char link[FD_PATH_SIZE];
	int r = 1;

	if (!tree)
		return -ENOMEM;
	(void)snprintf(link, sizeof(link), "/proc/self/fd/%d", directory);
	if (readlink(link, tree, PATH_MAX) < 0)
		return -errno;
	for (unsigned i = 0; r > 0 && i < PASSES_MAX; i++)
		r = detach_once(directory, tree);
	return r < 0 ? r : 0;
}
