/* SPDX-License-Identifier: BSD-3-Clause OR GPL-2.0-or-later */
#include "session/mount_homes.h"

#include "session/mount_calls.h"
#include "session/mount_detach.h"
#include "session/mount_point.h"

#include <fcntl.h>
#include <inttypes.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>

/* Stacked mounts on one mount point that are taken away before ours takes their place. */
#define STACKED_MAX 32

static int new_cover(uint64_t inodes, unsigned attributes)
{
	char count[24];
	const struct mount_option options[] = {
		{ "size", "4k" }, { "nr_inodes", count }, { "mode", "0555" }, { "source", "nsisolate" }, { NULL, NULL },
	};

	(void)snprintf(count, sizeof(count), "%" PRIu64, inodes);
	return mount_new("tmpfs", options, attributes | MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV | MOUNT_ATTR_NOEXEC);
}

int homes_prepare(const struct step *step)
{
	_cleanup_close_ int home = -1;
	int tree;

	if (!step->value)
		return new_cover(1, MOUNT_ATTR_RDONLY);
	home = mount_source_open(step);
	if (home < 0)
		return home;
	tree = open_tree(home, "", OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC | AT_EMPTY_PATH | AT_RECURSIVE);
	return tree < 0 ? -errno : tree;
}

/* Root's, like the cover: what a login within the session looks for is found, and nobody can put anything there. */
static int make_one(int parent, const char *name)
{
	int fd;

	if (mkdirat(parent, name, 0555) < 0 || fchmodat(parent, name, 0555, 0) < 0)
		return -errno;
	fd = openat(parent, name, O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	return fd < 0 ? -errno : fd;
}

/* The directories of `path`, in an empty file system. A descriptor of the last or -errno. */
static int make_way(int cover, const char *path)
{
	_cleanup_free_ char *copy = strdup(path);
	_cleanup_close_ int at = -1;
	char *rest = copy, *name;

	if (!copy)
		return -ENOMEM;
	while ((name = strsep(&rest, "/"))) {
		int next = *name ? make_one(at < 0 ? cover : at, name) : at;

		if (*name == '\0')
			continue;
		if (next < 0)
			return next;
		close_fd(at);
		at = next;
	}
	return TAKE_FD(at);
}

static uint64_t count_components(const char *path)
{
	uint64_t count = 0;

	for (; *path; path++)
		count += *path == '/';
	return count;
}

/* The file system is writable until it has the way to the home, and nobody but us has it until then. */
static int cover_all_but(const struct step *step, int target, int tree)
{
	struct mount_attr read_only = { .attr_set = MOUNT_ATTR_RDONLY };
	const char *below = step->value + strlen(step->target);
	_cleanup_close_ int cover = new_cover(1 + count_components(below), 0);
	_cleanup_close_ int way = -1;
	int r;

	if (cover < 0)
		return cover;
	way = make_way(cover, below);
	if (way < 0)
		return way;
	if (mount_setattr(cover, "", AT_EMPTY_PATH, &read_only, sizeof(read_only)) < 0)
		return -errno;
	r = mount_attach(cover, target);
	return r < 0 ? r : mount_attach(tree, way);
}

/* The directory without what the host has mounted on it, and below. A descriptor or -errno. */
static int open_bare(const struct step *step)
{
	for (unsigned i = 0; i < STACKED_MAX; i++) {
		_cleanup_close_ int fd = mount_point_open(step);
		int r = fd < 0 ? fd : mount_detach_at(fd);

		if (r == 0)
			r = mounts_detach_below(fd);
		else if (r > 0)
			continue;
		return r < 0 ? r : TAKE_FD(fd);
	}
	return -EBUSY;
}

int homes_finish(const struct step *step, int tree)
{
	_cleanup_close_ int target = open_bare(step);

	if (target == -ENOENT && step->optional)
		return 0;
	if (target < 0)
		return target;
	return step->value ? cover_all_but(step, target, tree) : mount_attach(tree, target);
}
