/* SPDX-License-Identifier: BSD-3-Clause OR GPL-2.0-or-later */
#include "session/mounts.h"

#include "session/mount_calls.h"
#include "session/syscalls.h"

#include <fcntl.h>
#include <sys/mount.h>
#include <sys/stat.h>

/* The file systems by which the kernel shows itself: /proc and /sys take the place of the host's. */

int mount_proc(const struct step *step)
{
	const struct mount_option hidepid[] = { { "hidepid", "invisible" }, { NULL, NULL } };
	_cleanup_close_ int fd = mount_new("proc", step->value ? hidepid : NULL,
					   MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV | MOUNT_ATTR_NOEXEC);
	int r;

	if (fd < 0)
		return fd;
	r = mount_detach_all(step->target);
	return r < 0 ? r : mount_attach_at(fd, step->target);
}

/* What a fresh sysfs must keep of the host's: relative to the mount point. */
static const char *const carried[] = { "fs/cgroup", "fs/selinux" };

/*
 * A detached copy of the mounts at `path`, or -1 when there is none: a plain
 * directory of the old sysfs (the kernel has the feature, nothing is mounted) must not be carried.
 */
static int clone_tree(int sys, const char *path, int *ret)
{
	struct statx status;
	int fd;

	if (statx(sys, path, AT_SYMLINK_NOFOLLOW, STATX_TYPE, &status) < 0)
		return errno == ENOENT ? 0 : -errno;
	if (!(status.stx_attributes & STATX_ATTR_MOUNT_ROOT))
		return 0;
	fd = open_tree(sys, path, OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC | AT_RECURSIVE | AT_SYMLINK_NOFOLLOW);
	if (fd < 0)
		return -errno;
	*ret = fd;
	return 0;
}

static int restore_tree(const char *sys, const char *path, int tree)
{
	_cleanup_close_ int sys_fd = open_directory_nofollow(sys);
	_cleanup_close_ int target = -1;

	if (sys_fd < 0)
		return sys_fd;
	target = openat(sys_fd, path, O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (target < 0)
		return -errno;
	return mount_attach(tree, target);
}

static int clone_trees(const char *target, int trees[ELEMENTS(carried)])
{
	_cleanup_close_ int sys = open_directory_nofollow(target);
	int r = sys < 0 ? sys : 0;

	for (size_t i = 0; r == 0 && i < ELEMENTS(carried); i++)
		r = clone_tree(sys, carried[i], &trees[i]);
	return r;
}

static int replace_sys(const char *target, int mount_fd, int trees[ELEMENTS(carried)])
{
	int r = clone_trees(target, trees);

	if (r < 0)
		return r;
	r = mount_detach_all(target);
	if (r == 0)
		r = mount_attach_at(mount_fd, target);
	for (size_t i = 0; r == 0 && i < ELEMENTS(carried); i++)
		if (trees[i] >= 0)
			r = restore_tree(target, carried[i], trees[i]);
	return r;
}

int mount_sys(const struct step *step)
{
	_cleanup_close_ int fd = mount_new("sysfs", NULL, MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV | MOUNT_ATTR_NOEXEC);
	int trees[ELEMENTS(carried)] = { -1, -1 };
	int r;

	if (fd < 0)
		return fd;
	r = replace_sys(step->target, fd, trees);
	for (size_t i = 0; i < ELEMENTS(carried); i++)
		close_fd(trees[i]);
	return r;
}
