/* SPDX-License-Identifier: BSD-3-Clause OR GPL-2.0-or-later */
#include "tools/seen.h"

#include "common/error.h"
#include "session/syscalls.h"
#include "tools/process_info.h"

#include <fcntl.h>
#include <sys/stat.h>

int seen_root(pid_t pid)
{
	_cleanup_close_ int process = process_open(pid);
	int root;

	if (process < 0)
		return process;
	root = openat(process, "root", O_PATH | O_DIRECTORY | O_CLOEXEC);
	return root < 0 ? negative_errno() : root;
}

int seen_find(int root, const char *path, const struct mount_list *mounts, struct seen *ret)
{
	const struct open_how how = { .flags = O_PATH | O_CLOEXEC, .resolve = RESOLVE_IN_ROOT | RESOLVE_NO_MAGICLINKS };
	_cleanup_close_ int fd = sys_openat2(root, path, &how);
	struct statx status;

	if (fd < 0)
		return negative_errno();
	if (statx(fd, "", AT_EMPTY_PATH, STATX_TYPE | STATX_INO | STATX_MNT_ID, &status) < 0)
		return negative_errno();
	for (size_t i = 0; i < mounts->count; i++) {
		if (mounts->items[i].id != status.stx_mnt_id)
			continue;
		*ret = (struct seen){ &mounts->items[i], (status.stx_attributes & STATX_ATTR_MOUNT_ROOT) != 0, status };
		return 0;
	}
	return -ESRCH;
}
