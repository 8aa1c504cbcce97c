/* SPDX-License-Identifier: BSD-3-Clause OR GPL-2.0-or-later */
#include "session/mount_point.h"

#include "session/syscalls.h"
#include "session/trusted_path.h"

#include <sys/stat.h>

static bool takes_away(enum step_kind kind)
{
	return kind == STEP_MOUNT_HIDE || kind == STEP_MOUNT_READ_ONLY;
}

int mount_point_open(const struct step *step)
{
	_cleanup_close_ int fd = -1;
	struct stat status;

	if (!takes_away(step->kind))
		return open_directory_nofollow(step->target);
	fd = trusted_open(step->target);
	if (fd < 0)
		return fd;
	if (fstat(fd, &status) < 0)
		return -errno;
	return S_ISDIR(status.st_mode) ? TAKE_FD(fd) : -ENOTDIR;
}
