/* SPDX-License-Identifier: BSD-3-Clause OR GPL-2.0-or-later */
#include "session/mounts.h"

#include "session/syscalls.h"

#include <fcntl.h>
#include <inttypes.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>

/* Stacked mounts on one mount point that are taken away before ours takes their place. */
#define STACKED_MAX 32

struct option {
	const char *name;
	const char *value;
};

/* A new, not yet attached mount of `type`; options end with a NULL name. A descriptor or -errno. */
static int new_mount(const char *type, const struct option *options, unsigned attributes)
{
	_cleanup_close_ int context = fsopen(type, FSOPEN_CLOEXEC);
	int fd;

	if (context < 0)
		return -errno;
	for (; options && options->name; options++)
		if (fsconfig(context, FSCONFIG_SET_STRING, options->name, options->value, 0) < 0)
			return -errno;
	if (fsconfig(context, FSCONFIG_CMD_CREATE, NULL, NULL, 0) < 0)
		return -errno;
	fd = fsmount(context, FSMOUNT_CLOEXEC, attributes);
	return fd < 0 ? -errno : fd;
}

static int attach(int mount_fd, int target_fd)
{
	if (move_mount(mount_fd, "", target_fd, "", MOVE_MOUNT_F_EMPTY_PATH | MOVE_MOUNT_T_EMPTY_PATH) < 0)
		return -errno;
	return 0;
}

static int attach_at(int mount_fd, const char *target)
{
	_cleanup_close_ int target_fd = open_directory_nofollow(target);

	if (target_fd < 0)
		return target_fd;
	return attach(mount_fd, target_fd);
}

/*
 * Takes away what is mounted on `target`, so that the host's file system does
 * not lie below ours. It is a copy in our own namespace, slave or private: the
 * host keeps its mount. Tolerates EINVAL: nothing (more) is mounted there.
 */
static int detach_all(const char *target)
{
	for (int i = 0; i < STACKED_MAX; i++) {
		if (umount2(target, MNT_DETACH | UMOUNT_NOFOLLOW) < 0)
			return errno == EINVAL ? 0 : -errno;
	}
	return -EBUSY;
}

/* Tolerates EEXIST: the usual case. */
static int make_mount_point(const struct step *step)
{
	if (step->create && mkdir(step->target, 0755) < 0 && errno != EEXIST)
		return -errno;
	return 0;
}

int mount_set_propagation(const struct step *step)
{
	struct mount_attr attributes = {
		.propagation = strcmp(step->value, "private") == 0 ? MS_PRIVATE : MS_SLAVE,
	};

	if (mount_setattr(AT_FDCWD, step->target, AT_RECURSIVE, &attributes, sizeof(attributes)) < 0)
		return -errno;
	return 0;
}

int mount_proc(const struct step *step)
{
	const struct option hidepid[] = { { "hidepid", "invisible" }, { NULL, NULL } };
	_cleanup_close_ int fd = new_mount("proc", step->value ? hidepid : NULL,
					   MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV | MOUNT_ATTR_NOEXEC);
	int r;

	if (fd < 0)
		return fd;
	r = detach_all(step->target);
	return r < 0 ? r : attach_at(fd, step->target);
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
	return attach(tree, target);
}

static int replace_sys(const char *target, int mount_fd, int trees[ELEMENTS(carried)])
{
	int r;

	for (size_t i = 0; i < ELEMENTS(carried); i++) {
		_cleanup_close_ int sys = open_directory_nofollow(target);

		if (sys < 0)
			return sys;
		r = clone_tree(sys, carried[i], &trees[i]);
		if (r < 0)
			return r;
	}
	r = detach_all(target);
	if (r == 0)
		r = attach_at(mount_fd, target);
	for (size_t i = 0; r == 0 && i < ELEMENTS(carried); i++)
		if (trees[i] >= 0)
			r = restore_tree(target, carried[i], trees[i]);
	return r;
}

int mount_sys(const struct step *step)
{
	_cleanup_close_ int fd = new_mount("sysfs", NULL, MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV | MOUNT_ATTR_NOEXEC);
	int trees[ELEMENTS(carried)] = { -1, -1 };
	int r;

	if (fd < 0)
		return fd;
	r = replace_sys(step->target, fd, trees);
	for (size_t i = 0; i < ELEMENTS(carried); i++)
		close_fd(trees[i]);
	return r;
}

int mount_mqueue(const struct step *step)
{
	_cleanup_close_ int fd = new_mount("mqueue", NULL, MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV | MOUNT_ATTR_NOEXEC);
	int r;

	if (fd < 0)
		return fd;
	r = make_mount_point(step);
	return r < 0 ? r : attach_at(fd, step->target);
}

static int new_tmpfs(const struct step *step)
{
	char size[24], inodes[24], mode[8];
	const struct option options[] = {
		{ "size", size }, { "nr_inodes", inodes }, { "mode", mode }, { "source", "nsisolate" }, { NULL, NULL },
	};

	snprintf(size, sizeof(size), "%" PRIu64, step->size);
	snprintf(inodes, sizeof(inodes), "%" PRIu64, step->inodes);
	snprintf(mode, sizeof(mode), "%04o", (unsigned)step->mode & 07777);
	return new_mount("tmpfs", options, MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV);
}

int mount_tmpfs(const struct step *step)
{
	_cleanup_close_ int fd = new_tmpfs(step);
	int r;

	if (fd < 0)
		return fd;
	r = make_mount_point(step);
	return r < 0 ? r : attach_at(fd, step->target);
}

int mount_runtime_dir(const struct step *step)
{
	_cleanup_close_ int fd = new_tmpfs(step);
	char name[16];
	int r;

	if (fd < 0)
		return fd;
	/* still detached: nobody can reach it before it has its owner */
	snprintf(name, sizeof(name), "%u", (unsigned)step->uid);
	if (mkdirat(fd, name, 0700) < 0 || fchownat(fd, name, step->uid, step->gid, AT_SYMLINK_NOFOLLOW) < 0)
		return -errno;
	r = make_mount_point(step);
	return r < 0 ? r : attach_at(fd, step->target);
}
