/* SPDX-License-Identifier: BSD-3-Clause OR GPL-2.0-or-later */
#include "session/network_name.h"

#include "config/network.h"
#include "config/problem.h"
#include "session/syscalls.h"

#include <fcntl.h>
#include <linux/magic.h>
#include <linux/nsfs.h>
#include <sched.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <sys/vfs.h>

/* A descriptor of NETWORK_NAMES, or -errno. */
static int open_names(void)
{
	const struct open_how how = {
		.flags = O_RDONLY | O_DIRECTORY | O_CLOEXEC,
		.resolve = RESOLVE_NO_SYMLINKS | RESOLVE_NO_MAGICLINKS,
	};
	_cleanup_close_ int fd = sys_openat2(AT_FDCWD, NETWORK_NAMES, &how);
	struct stat status;

	if (fd < 0 || fstat(fd, &status) < 0)
		return -errno;
	return status.st_uid != 0 || (status.st_mode & (S_IWGRP | S_IWOTH)) ? -EPERM : TAKE_FD(fd);
}

static int say_errno(const char *path, const char *name, int error, char **ret_problem)
{
	switch (error) {
	case -ENOENT:
		return problem(
			ret_problem, -EINVAL,
			"network.name: there is no network namespace '%s' on this host; make it: ip netns add %s", name,
			name);
	case -EPERM:
		return problem(ret_problem, -EINVAL,
			       "network.name: " NETWORK_NAMES " must be root's, and no one else's to write to");
	case -ENOMEM:
		return error;
	default:
		return problem(ret_problem, -EINVAL, "network.name: %s: %s", path, strerror(-error));
	}
}

static int number_of(int fd, uint64_t *ret)
{
	struct stat status;

	if (fstat(fd, &status) < 0)
		return -errno;
	*ret = status.st_ino;
	return 0;
}

static int number_of_path(const char *path, uint64_t *ret)
{
	struct stat status;

	if (stat(path, &status) < 0)
		return -errno;
	*ret = status.st_ino;
	return 0;
}

/* What makes it one of ours to enter; *ret_why is a sentence's end where it is not. 0 or -errno. */
static int judge(int fd, uint64_t *ret_number, const char **ret_why)
{
	struct statfs filesystem;
	uint64_t own = 0, own_user = 0, user = 0;
	int r;

	*ret_why = NULL;
	if (fstatfs(fd, &filesystem) < 0)
		return -errno;
	if (filesystem.f_type != NSFS_MAGIC) {
		*ret_why =
			"is a plain file, which is left of one that has ended; ip netns delete it, and ip netns add it";
		return 0;
	}
	if (ioctl(fd, NS_GET_NSTYPE) != CLONE_NEWNET) {
		*ret_why = "is a namespace of another kind";
		return 0;
	}

	_cleanup_close_ int owner = ioctl(fd, NS_GET_USERNS);

	/* EPERM: the owner is out of our sight, above or beside us */
	if (owner < 0 && errno != EPERM)
		return -errno;
	r = number_of(fd, ret_number);
	if (r == 0)
		r = number_of_path("/proc/self/ns/net", &own);
	if (r == 0)
		r = number_of_path("/proc/self/ns/user", &own_user);
	if (r == 0 && owner >= 0)
		r = number_of(owner, &user);
	if (r < 0)
		return r;
	if (owner < 0 || user != own_user)
		*ret_why = "belongs to another user namespace: whoever made it can change it";
	else if (*ret_number == own)
		*ret_why = "is the network of the host itself; for that there is network { mode = \"host\" }";
	return 0;
}

int network_name_open(const char *path, int *ret_fd, uint64_t *ret_number, char **ret_problem)
{
	const char *name = path + sizeof(NETWORK_NAMES), *why;
	_cleanup_close_ int names = open_names();
	_cleanup_close_ int fd = -1;
	uint64_t number = 0;
	int r;

	if (names < 0)
		return say_errno(NETWORK_NAMES, name, names, ret_problem);
	/* what is there is root's own, and no FIFO or device holds us up */
	fd = openat(names, name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
	if (fd < 0)
		return say_errno(path, name, -errno, ret_problem);
	r = judge(fd, &number, &why);
	if (r < 0)
		return say_errno(path, name, r, ret_problem);
	if (why)
		return problem(ret_problem, -EINVAL, "network.name: '%s', %s, %s", name, path, why);
	*ret_fd = TAKE_FD(fd);
	*ret_number = number;
	return 0;
}

bool network_name_find(uint64_t number, char *ret, size_t size)
{
	int names = open_names();
	_cleanup_(closedirp) DIR *dir = names < 0 ? NULL : fdopendir(names);
	const struct dirent *entry;
	struct stat own, status;

	if (!dir) {
		close_fd(names);
		return false;
	}
	if (stat("/proc/self/ns/net", &own) < 0)
		return false;
	while ((entry = readdir(dir))) {
		if (fstatat(names, entry->d_name, &status, AT_SYMLINK_NOFOLLOW) < 0 || status.st_ino != number ||
		    status.st_dev != own.st_dev)
			continue;
		(void)snprintf(ret, size, "%s", entry->d_name);
		return true;
	}
	return false;
}
