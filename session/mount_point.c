/* SPDX-License-Identifier: BSD-3-Clause OR GPL-2.0-or-later */
#include "session/mount_point.h"

#include "session/syscalls.h"
#include "session/trusted_path.h"

#include <linux/magic.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/statfs.h>

static bool takes_away(enum step_kind kind)
{
	return kind == STEP_MOUNT_HIDE || kind == STEP_MOUNT_READ_ONLY || kind == STEP_MOUNT_HOMES;
}

static int open_trusted_directory(const char *path)
{
	_cleanup_close_ int fd = trusted_open(path);
	struct stat status;

	if (fd < 0)
		return fd;
	if (fstat(fd, &status) < 0)
		return -errno;
	return S_ISDIR(status.st_mode) ? TAKE_FD(fd) : -ENOTDIR;
}

int mount_point_open(const struct step *step)
{
	return takes_away(step->kind) ? open_trusted_directory(step->target) : open_directory_nofollow(step->target);
}

int homes_root_check(int root)
{
	struct statfs system;

	if (fstatfs(root, &system) < 0)
		return -errno;
	return system.f_type == AUTOFS_SUPER_MAGIC ? -EOPNOTSUPP : 0;
}

static int open_home(const struct step *step)
{
	_cleanup_close_ int root = open_trusted_directory(step->target);
	int r = root < 0 ? root : homes_root_check(root);

	if (r < 0)
		return r;
	return trusted_open_below(root, step->value + strlen(step->target));
}

int mount_source_open(const struct step *step)
{
	if (step->kind == STEP_MOUNT_HOMES)
		return open_home(step);
	return open_trusted_directory(step->value);
}
