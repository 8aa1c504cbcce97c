/* SPDX-License-Identifier: BSD-3-Clause OR GPL-2.0-or-later */
#include "session/trusted_path.h"

#include "session/owner_stat.h"
#include "session/path_walk.h"
#include "session/syscalls.h"

#include <fcntl.h>
#include <limits.h>
#include <stdbool.h>
#include <string.h>
#include <sys/stat.h>

#define LINKS_MAX 40 /* path_resolution(7) */

/* An access control list that lets others write shows in the bits of the group, acl(5). */
static bool is_roots_alone(const struct stat *directory)
{
	return directory->st_uid == 0 && !(directory->st_mode & (S_IWGRP | S_IWOTH));
}

/* As a directory where it is one: that is what makes an automounter mount what belongs there. */
static int open_entry(int directory, const char *name)
{
	int fd = openat(directory, name, O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);

	if (fd < 0 && errno == ENOTDIR)
		fd = openat(directory, name, O_PATH | O_NOFOLLOW | O_CLOEXEC);
	return fd < 0 ? -errno : fd;
}

static int enter(struct path_walk *walk, const char *name)
{
	_cleanup_close_ int fd = -1;
	struct stat above, entry;
	bool alone;

	if (owner_stat(walk->at, &above) < 0)
		return -errno;
	if (!S_ISDIR(above.st_mode))
		return -ENOTDIR;
	alone = is_roots_alone(&above);
	if (!alone && !(above.st_uid == 0 && (above.st_mode & S_ISVTX)))
		return -EACCES;
	fd = open_entry(walk->at, name);
	/* what is missing in a directory of others may have been moved away for a moment */
	if (fd == -ENOENT && !alone)
		return -EACCES;
	if (fd < 0)
		return fd;
	if (owner_stat(fd, &entry) < 0)
		return -errno;
	if (!alone && entry.st_uid != 0)
		return -EACCES;
	if (S_ISLNK(entry.st_mode))
		return path_walk_follow(walk, fd, LINKS_MAX);
	path_walk_enter(walk, TAKE_FD(fd));
	return 0;
}

int trusted_open(const char *path)
{
	_cleanup_(path_walk_release) struct path_walk walk;
	int r = path_walk_start(&walk, path);

	while (r == 0) {
		_cleanup_free_ char *name = path_walk_next(&walk);

		if (!name)
			r = -ENOMEM;
		else if (*name == '\0')
			return TAKE_FD(walk.at);
		else
			r = enter(&walk, name);
	}
	return r;
}

static int enter_directory(struct path_walk *walk, const char *name)
{
	const struct open_how how = { .flags = O_PATH | O_DIRECTORY | O_CLOEXEC,
				      .resolve = RESOLVE_BENEATH | RESOLVE_NO_SYMLINKS | RESOLVE_NO_MAGICLINKS };
	struct stat above;
	int fd;

	if (owner_stat(walk->at, &above) < 0)
		return -errno;
	if (!is_roots_alone(&above))
		return -EACCES;
	fd = sys_openat2(walk->at, name, &how);
	if (fd < 0)
		return -errno;
	path_walk_enter(walk, fd);
	return 0;
}

int trusted_open_below(int directory, const char *path)
{
	_cleanup_(path_walk_release) struct path_walk walk = { .at = -1 };
	int r = path_walk_start_at(&walk, directory, path);

	while (r == 0 && !path_walk_is_over(&walk)) {
		_cleanup_free_ char *name = path_walk_next(&walk);

		r = name ? enter_directory(&walk, name) : -ENOMEM;
	}
	return r < 0 ? r : TAKE_FD(walk.at);
}
