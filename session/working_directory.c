/* SPDX-License-Identifier: BSD-3-Clause OR GPL-2.0-or-later */
#include "session/working_directory.h"

#include "session/syscalls.h"

#include <string.h>
#include <sys/stat.h>

void working_directory_save(struct working_directory *ret)
{
	struct stat status;
	char *path = getcwd(NULL, 0);

	*ret = (struct working_directory){ 0 };
	/* "(unreachable)…" is no path; neither is the path of a directory that cannot be looked at */
	if (!path || *path != '/' || stat(".", &status) < 0) {
		free(path);
		return;
	}
	ret->path = path;
	ret->device = status.st_dev;
	ret->inode = status.st_ino;
}

static bool enter_same(const struct working_directory *saved)
{
	_cleanup_close_ int fd = -1;
	struct stat status;

	/* "/" needs no look: it is where we end in any case */
	if (!saved->path || strcmp(saved->path, "/") == 0)
		return false;
	fd = open_directory_nofollow(saved->path);
	if (fd < 0 || fstat(fd, &status) < 0)
		return false;
	if (status.st_dev != saved->device || status.st_ino != saved->inode)
		return false;
	return fchdir(fd) == 0;
}

void working_directory_restore(const struct working_directory *saved)
{
	if (!enter_same(saved) && chdir("/") < 0)
		return;
}

void working_directory_release(struct working_directory *saved)
{
	free(saved->path);
	saved->path = NULL;
}
