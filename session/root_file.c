/* SPDX-License-Identifier: BSD-3-Clause OR GPL-2.0-or-later */
#include "session/root_file.h"

#include "session/owner_stat.h"
#include "session/path_walk.h"

#include <fcntl.h>
#include <limits.h>
#include <stdbool.h>
#include <string.h>
#include <sys/stat.h>

#define LINKS_MAX 16

static bool is_roots(const struct stat *status)
{
	return status->st_uid == 0 && !(status->st_mode & (S_IWGRP | S_IWOTH));
}

/* Longer ones are no path that a call would take, however it came about. */
static bool is_too_long(const struct path_walk *walk)
{
	return strlen(walk->rest) >= PATH_MAX;
}

static int follow(struct path_walk *walk, int link, const struct stat *status)
{
	int r;

	if (status->st_uid != 0)
		return -EPERM;
	r = path_walk_follow(walk, link, LINKS_MAX);
	return r == 0 && is_too_long(walk) ? -ENAMETOOLONG : r;
}

/* To the last name, which is no link. 1 when `name` is that; 0 to go on; -errno. */
static int step(struct path_walk *walk, bool to_cover, const char *name)
{
	const bool last = path_walk_is_over(walk);
	_cleanup_close_ int found = -1;
	struct stat directory, status;
	bool trusted;

	if (*name == '\0' || strlen(name) > NAME_MAX)
		return -EINVAL;
	if (owner_stat(walk->at, &directory) < 0)
		return -errno;
	trusted = is_roots(&directory);
	if (!trusted && !(to_cover && last))
		return -EPERM;
	found = openat(walk->at, name, O_PATH | O_NOFOLLOW | O_CLOEXEC);
	if (found < 0 || owner_stat(found, &status) < 0)
		return -errno;
	if (S_ISLNK(status.st_mode))
		return trusted ? follow(walk, found, &status) : -EPERM;
	if (last)
		return 1;
	if (!S_ISDIR(status.st_mode))
		return -ENOTDIR;
	path_walk_enter(walk, TAKE_FD(found));
	return 0;
}

static int open_last(const struct path_walk *walk, bool to_cover, const char *name)
{
	/* no FIFO or device holds us up */
	const int flags = to_cover ? O_PATH : O_RDONLY | O_NONBLOCK | O_NOCTTY;
	_cleanup_close_ int fd = openat(walk->at, name, flags | O_NOFOLLOW | O_CLOEXEC);
	struct stat status;

	if (fd < 0 || owner_stat(fd, &status) < 0)
		return -errno;
	if (!S_ISREG(status.st_mode))
		return -EINVAL;
	return to_cover || is_roots(&status) ? TAKE_FD(fd) : -EPERM;
}

static int find(const char *path, bool to_cover)
{
	_cleanup_(path_walk_release) struct path_walk walk = { .at = -1 };
	int r;

	if (path[0] != '/')
		return -EINVAL;
	if (strlen(path) >= PATH_MAX)
		return -ENAMETOOLONG;
	r = path_walk_start(&walk, path);
	while (r == 0) {
		_cleanup_free_ char *name = path_walk_next(&walk);

		r = name ? step(&walk, to_cover, name) : -ENOMEM;
		if (r > 0)
			return open_last(&walk, to_cover, name);
	}
	return r;
}

int root_file_open(const char *path)
{
	return find(path, false);
}

int root_file_find(const char *path)
{
	return find(path, true);
}

const char *root_file_error(int error)
{
	switch (error) {
	case -EPERM:
		return "it, and what leads to it, must be root's, and no one else's to write to";
	case -EINVAL:
		return "it must be a regular file";
	case -EFBIG:
		return "it is too long";
	default:
		return strerror(-error);
	}
}
