/* SPDX-License-Identifier: BSD-3-Clause OR GPL-2.0-or-later */
#include "session/path_walk.h"

#include <fcntl.h>
#include <limits.h>
#include <string.h>

static int enter_root(struct path_walk *walk)
{
	int fd = open("/", O_PATH | O_DIRECTORY | O_CLOEXEC);

	if (fd < 0)
		return -errno;
	path_walk_enter(walk, fd);
	return 0;
}

int path_walk_start(struct path_walk *walk, const char *path)
{
	*walk = (struct path_walk){ .at = -1, .rest = strdup(path) };
	return walk->rest ? enter_root(walk) : -ENOMEM;
}

int path_walk_start_at(struct path_walk *walk, int directory, const char *path)
{
	*walk = (struct path_walk){ .at = fcntl(directory, F_DUPFD_CLOEXEC, 0), .rest = strdup(path) };
	if (walk->at < 0)
		return -errno;
	return walk->rest ? 0 : -ENOMEM;
}

char *path_walk_next(struct path_walk *walk)
{
	char *start = walk->rest + strspn(walk->rest, "/");
	size_t length = strcspn(start, "/");
	char *name = strndup(start, length);

	if (name)
		memmove(walk->rest, start + length, strlen(start + length) + 1);
	return name;
}

bool path_walk_is_over(const struct path_walk *walk)
{
	return walk->rest[strspn(walk->rest, "/")] == '\0';
}

void path_walk_enter(struct path_walk *walk, int fd)
{
	close_fd(walk->at);
	walk->at = fd;
}

/* What the link says goes before what is left. */
int path_walk_follow(struct path_walk *walk, int link, unsigned links_max)
{
	_cleanup_free_ char *target = calloc(1, PATH_MAX + 1), *rest = NULL;
	ssize_t length = target ? readlinkat(link, "", target, PATH_MAX) : -1;

	if (!target)
		return -ENOMEM;
	if (length < 0)
		return -errno;
	if (length == PATH_MAX)
		return -ENAMETOOLONG;
	if (++walk->links > links_max)
		return -ELOOP;
	if (asprintf(&rest, "%s/%s", target, walk->rest) < 0) {
		rest = NULL;
		return -ENOMEM;
	}
	free(walk->rest);
	walk->rest = TAKE_PTR(rest);
	return *target == '/' ? enter_root(walk) : 0;
}

void path_walk_release(struct path_walk *walk)
{
	walk->at = close_fd(walk->at);
	free(walk->rest);
	walk->rest = NULL;
}
