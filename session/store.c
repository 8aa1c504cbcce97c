/* SPDX-License-Identifier: BSD-3-Clause OR GPL-2.0-or-later */
#include "session/store.h"

#include "session/record_store.h"
#include "session/trusted_path.h"

#include <fcntl.h>
#include <limits.h>
#include <string.h>
#include <sys/stat.h>

#define STORE_PARENT "/var/lib"
#define OWNER_LINK   "owner"

/* Tolerates EEXIST: another login was first. */
static int make(int parent, const char *name, mode_t mode)
{
	const mode_t mask = umask(0);
	const int r = mkdirat(parent, name, mode) < 0 && errno != EEXIST ? -errno : 0;

	(void)umask(mask);
	return r;
}

static int root_open(void)
{
	_cleanup_close_ int parent = trusted_open(STORE_PARENT);
	_cleanup_close_ int root = -1;
	struct stat status;
	int r;

	if (parent < 0)
		return parent;
	r = make(parent, &STORE_ROOT[sizeof(STORE_PARENT)], 0755);
	if (r < 0)
		return r;
	root = trusted_open(STORE_ROOT);
	if (root < 0)
		return root;
	if (fstat(root, &status) < 0)
		return -errno;
	if (!S_ISDIR(status.st_mode))
		return -ENOTDIR;
	return status.st_uid == 0 && !(status.st_mode & 022) ? TAKE_FD(root) : -EPERM;
}

static int user_open(uid_t uid)
{
	_cleanup_close_ int root = root_open();
	_cleanup_close_ int directory = -1;
	char name[3 * sizeof(uid) + 1];
	struct stat status;

	if (root < 0)
		return root;
	(void)snprintf(name, sizeof(name), "%ju", (uintmax_t)uid);
	directory = own_directory_open(root, name, 0700);
	if (directory < 0)
		return directory;
	if (fstat(directory, &status) < 0)
		return -errno;
	return status.st_mode & 077 ? -EPERM : TAKE_FD(directory);
}

/* Made and read as one: whoever comes second finds the name of who came first. */
static int claim(int directory, const char *user)
{
	char owner[NAME_MAX + 2];
	ssize_t length;

	if (symlinkat(user, directory, OWNER_LINK) == 0)
		return 0;
	if (errno != EEXIST)
		return -errno;
	length = readlinkat(directory, OWNER_LINK, owner, sizeof(owner) - 1);
	if (length < 0)
		return errno == EINVAL ? -EEXIST : -errno;
	owner[length] = '\0';
	return strcmp(owner, user) == 0 ? 0 : -EEXIST;
}

int store_open(uid_t uid, const char *user, const char *path)
{
	_cleanup_free_ char *name = path_encode(path);
	_cleanup_close_ int directory = -1;
	int r, fd;

	if (!name)
		return -ENOMEM;
	directory = user_open(uid);
	if (directory < 0)
		return directory;
	r = claim(directory, user);
	if (r == 0)
		r = make(directory, name, 01777);
	if (r < 0)
		return r;
	fd = openat(directory, name, O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	return fd < 0 ? -errno : fd;
}
