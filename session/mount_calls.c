/* SPDX-License-Identifier: BSD-3-Clause OR GPL-2.0-or-later */
#include "session/mount_calls.h"

#include "session/syscalls.h"

#include <fcntl.h>
#include <sys/mount.h>
#include <sys/stat.h>

/* Stacked mounts on one mount point that are taken away before ours takes their place. */
#define STACKED_MAX 32

int mount_new(const char *type, const struct mount_option *options, unsigned attributes)
{
	_cleanup_close_ int context = fsopen(type, FSOPEN_CLOEXEC);
	int fd;

	if (context < 0)
		return -errno;
	for (; options && options->name; options++)
		if (fsconfig(context, options->value ? FSCONFIG_SET_STRING : FSCONFIG_SET_FLAG, options->name,
			     options->value, 0) < 0)
			return -errno;
	if (fsconfig(context, FSCONFIG_CMD_CREATE, NULL, NULL, 0) < 0)
		return -errno;
	fd = fsmount(context, FSMOUNT_CLOEXEC, attributes);
	return fd < 0 ? -errno : fd;
}

int mount_attach(int mount_fd, int target_fd)
{
	if (move_mount(mount_fd, "", target_fd, "", MOVE_MOUNT_F_EMPTY_PATH | MOVE_MOUNT_T_EMPTY_PATH) < 0)
		return -errno;
	return 0;
}

int mount_attach_at(int mount_fd, const char *target)
{
	_cleanup_close_ int target_fd = open_directory_nofollow(target);

	if (target_fd < 0)
		return target_fd;
	return mount_attach(mount_fd, target_fd);
}

/* Tolerates EEXIST: another login of the same shared directory was first. */
static int open_or_make(const char *target, bool create)
{
	int fd = open_directory_nofollow(target);

	if (fd != -ENOENT || !create)
		return fd;
	if (mkdir(target, 0755) < 0 && errno != EEXIST)
		return -errno;
	return open_directory_nofollow(target);
}

int mount_over(const char *target, bool create, const char *type, unsigned long flags, const char *options)
{
	_cleanup_close_ int fd = open_or_make(target, create);

	if (fd < 0)
		return fd;
	if (fchdir(fd) < 0 || mount("nsisolate", ".", type, flags, options) < 0)
		return -errno;
	return 0;
}

int mount_detach_all(const char *target)
{
	for (int i = 0; i < STACKED_MAX; i++) {
		if (umount2(target, MNT_DETACH | UMOUNT_NOFOLLOW) < 0)
			return errno == EINVAL ? 0 : -errno;
	}
	return -EBUSY;
}
