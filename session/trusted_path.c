/* SPDX-License-Identifier: BSD-3-Clause OR GPL-2.0-or-later */
#include "session/trusted_path.h"

#include <fcntl.h>
#include <limits.h>
#include <stdbool.h>
#include <string.h>
#include <sys/stat.h>

#define LINKS_MAX 40 /* path_resolution(7) */

struct walk {
	int at;     /* what has been reached */
	char *rest; /* of the path, from there */
	unsigned links;
};

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

static int start_at_root(struct walk *walk)
{
	int fd = open("/", O_PATH | O_DIRECTORY | O_CLOEXEC);

	if (fd < 0)
		return -errno;
	close_fd(walk->at);
	walk->at = fd;
	return 0;
}

/* Puts what a link says before the rest of the path. */
static int follow(struct walk *walk, int link)
{
	_cleanup_free_ char *target = calloc(1, PATH_MAX + 1), *rest = NULL;
	ssize_t length = target ? readlinkat(link, "", target, PATH_MAX) : -1;

	if (!target)
		return -ENOMEM;
	if (length < 0)
		return -errno;
	if (length == PATH_MAX)
		return -ENAMETOOLONG;
	if (++walk->links > LINKS_MAX)
		return -ELOOP;
	if (asprintf(&rest, "%s/%s", target, walk->rest) < 0) {
		rest = NULL;
		return -ENOMEM;
	}
	free(walk->rest);
	walk->rest = TAKE_PTR(rest);
	return *target == '/' ? start_at_root(walk) : 0;
}

static int enter(struct walk *walk, const char *name)
{
	_cleanup_close_ int fd = -1;
	struct stat above, entry;
	bool alone;

	if (fstat(walk->at, &above) < 0)
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
	if (fstat(fd, &entry) < 0)
		return -errno;
	if (!alone && entry.st_uid != 0)
		return -EACCES;
	if (S_ISLNK(entry.st_mode))
		return follow(walk, fd);
	close_fd(walk->at);
	walk->at = TAKE_FD(fd);
	return 0;
}

/* Takes the next component off the rest; NULL when there is none. */
static char *next_component(struct walk *walk)
{
	char *start = walk->rest + strspn(walk->rest, "/");
	size_t length = strcspn(start, "/");
	char *name = strndup(start, length);

	if (name)
		memmove(walk->rest, start + length, strlen(start + length) + 1);
	return name;
}

int trusted_open(const char *path)
{
	struct walk walk = { .at = -1, .rest = strdup(path) };
	int r = walk.rest ? start_at_root(&walk) : -ENOMEM;

	while (r == 0) {
		_cleanup_free_ char *name = next_component(&walk);

		if (!name)
			r = -ENOMEM;
		else if (*name == '\0')
			break;
		else
			r = enter(&walk, name);
	}
	free(walk.rest);
	if (r < 0) {
		close_fd(walk.at);
		return r;
	}
	return walk.at;
}
