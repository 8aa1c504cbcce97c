/* SPDX-License-Identifier: BSD-3-Clause OR GPL-2.0-or-later */
#include "session/root_file.h"

#include <fcntl.h>
#include <limits.h>
#include <stdbool.h>
#include <string.h>
#include <sys/stat.h>

#define LINKS_MAX 16

/* Where we are, and what is still to go. */
struct walk {
	int directory;
	bool trusted; /* the directory */
	unsigned links;
	char rest[PATH_MAX];
};

static bool is_roots(const struct stat *status)
{
	return status->st_uid == 0 && !(status->st_mode & (S_IWGRP | S_IWOTH));
}

static void enter(struct walk *walk, int directory, const struct stat *status)
{
	close_fd(walk->directory);
	walk->directory = directory;
	walk->trusted = is_roots(status);
}

static int enter_root(struct walk *walk)
{
	struct stat status;
	int fd = open("/", O_PATH | O_DIRECTORY | O_CLOEXEC);

	if (fd < 0)
		return -errno;
	if (fstat(fd, &status) < 0) {
		close_fd(fd);
		return -errno;
	}
	enter(walk, fd, &status);
	return 0;
}

/* What a link names goes before what is left. */
static int follow(struct walk *walk, int link, const struct stat *status)
{
	char target[PATH_MAX], rest[PATH_MAX];
	ssize_t length = readlinkat(link, "", target, sizeof(target));

	if (length < 0)
		return -errno;
	if (status->st_uid != 0)
		return -EPERM;
	if (++walk->links > LINKS_MAX)
		return -ELOOP;
	if (snprintf(rest, sizeof(rest), "%.*s/%s", (int)length, target, walk->rest) >= (int)sizeof(rest))
		return -ENAMETOOLONG;
	memcpy(walk->rest, rest, sizeof(rest));
	return target[0] == '/' ? enter_root(walk) : 0;
}

/* Takes the next name from the rest; false when there is none. */
static bool next_name(struct walk *walk, char name[NAME_MAX + 1])
{
	const char *start = walk->rest + strspn(walk->rest, "/");
	size_t length = strcspn(start, "/");

	if (length == 0 || length > NAME_MAX)
		return false;
	memcpy(name, start, length);
	name[length] = '\0';
	start += length;
	start += strspn(start, "/");
	memmove(walk->rest, start, strlen(start) + 1);
	return true;
}

/* To the last name, which is no link. 1 with *name; 0 to go on; -errno. */
static int step(struct walk *walk, bool to_cover, char name[NAME_MAX + 1])
{
	_cleanup_close_ int found = -1;
	struct stat status;
	bool last;

	if (!next_name(walk, name))
		return -EINVAL;
	last = walk->rest[0] == '\0';
	if (!walk->trusted && !(to_cover && last))
		return -EPERM;
	found = openat(walk->directory, name, O_PATH | O_NOFOLLOW | O_CLOEXEC);
	if (found < 0 || fstat(found, &status) < 0)
		return -errno;
	if (S_ISLNK(status.st_mode))
		return walk->trusted ? follow(walk, found, &status) : -EPERM;
	if (last)
		return 1;
	if (!S_ISDIR(status.st_mode))
		return -ENOTDIR;
	enter(walk, TAKE_FD(found), &status);
	return 0;
}

static int open_last(const struct walk *walk, bool to_cover, const char *name)
{
	/* no FIFO or device holds us up */
	const int flags = to_cover ? O_PATH : O_RDONLY | O_NONBLOCK | O_NOCTTY;
	_cleanup_close_ int fd = openat(walk->directory, name, flags | O_NOFOLLOW | O_CLOEXEC);
	struct stat status;

	if (fd < 0 || fstat(fd, &status) < 0)
		return -errno;
	if (!S_ISREG(status.st_mode))
		return -EINVAL;
	return to_cover || is_roots(&status) ? TAKE_FD(fd) : -EPERM;
}

static int find(const char *path, bool to_cover)
{
	struct walk walk = { .directory = -1 };
	char name[NAME_MAX + 1];
	int r;

	if (path[0] != '/')
		return -EINVAL;
	if (strlen(path) >= sizeof(walk.rest))
		return -ENAMETOOLONG;
	(void)stpcpy(walk.rest, path);
	r = enter_root(&walk);
	while (r == 0)
		r = step(&walk, to_cover, name);
	if (r > 0)
		r = open_last(&walk, to_cover, name);
	close_fd(walk.directory);
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
