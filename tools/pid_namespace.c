/* SPDX-License-Identifier: BSD-3-Clause OR GPL-2.0-or-later */
#include "tools/pid_namespace.h"

#include "common/error.h"
#include "session/process.h"

#include <fcntl.h>
#include <linux/nsfs.h>
#include <sys/ioctl.h>
#include <sys/stat.h>

int pid_namespace_parent_at(int process, uint64_t expected, uint64_t *ret)
{
	_cleanup_close_ int fd = openat(process, "ns/pid", O_RDONLY | O_CLOEXEC);
	struct stat status;

	if (fd < 0 || fstat(fd, &status) < 0)
		return errno == ENOENT ? -ESRCH : negative_errno();
	if (status.st_ino != expected)
		return -ESRCH;

	_cleanup_close_ int parent = ioctl(fd, NS_GET_PARENT);

	if (parent < 0 || fstat(parent, &status) < 0)
		return negative_errno();
	*ret = status.st_ino;
	return 0;
}

int pid_namespace_parent_of(pid_t pid, uint64_t expected, uint64_t *ret)
{
	_cleanup_close_ int process = process_open(pid);

	return process < 0 ? process : pid_namespace_parent_at(process, expected, ret);
}
