/* SPDX-License-Identifier: BSD-3-Clause OR GPL-2.0-or-later */
#include "session/syscalls.h"

#include <fcntl.h>

int open_directory_nofollow(const char *path)
{
	const struct open_how how = {
		.flags = O_PATH | O_DIRECTORY | O_CLOEXEC,
		.resolve = RESOLVE_NO_SYMLINKS | RESOLVE_NO_MAGICLINKS,
	};
	int fd = sys_openat2(AT_FDCWD, path, &how);

	return fd < 0 ? -errno : fd;
}
