/* SPDX-License-Identifier: BSD-3-Clause OR GPL-2.0-or-later */

/* The copies of edited files, and the lock that keeps two runs apart. */

#include "config/problem.h"
#include "tools/pam_files.h"
#include "tools/pam_files_private.h"

#include <fcntl.h>
#include <string.h>
#include <sys/file.h>
#include <time.h>

#define LOCK_TRIES    100
#define LOCK_PAUSE_NS (100 * 1000 * 1000)

static int make_state(const char *path)
{
	_cleanup_free_ char *parent = strdup(path);
	char *slash = parent ? strrchr(parent, '/') : NULL;

	if (!parent)
		return -ENOMEM;
	if (slash && slash != parent) {
		*slash = '\0';
		/* 0711: below it are also the directories that users' sessions keep */
		if (mkdir(parent, 0711) < 0 && errno != EEXIST)
			return -errno;
	}
	return mkdir(path, 0700) < 0 && errno != EEXIST ? -errno : 0;
}

static int take_lock(int fd)
{
	for (int i = 0; i < LOCK_TRIES; i++) {
		const struct timespec pause = { .tv_nsec = LOCK_PAUSE_NS };

		if (flock(fd, LOCK_EX | LOCK_NB) == 0)
			return 0;
		if (errno != EWOULDBLOCK && errno != EINTR)
			return -errno;
		(void)nanosleep(&pause, NULL);
	}
	return -EWOULDBLOCK;
}

int pam_state_open(const char *path, bool create, int *ret_fd, char **ret_problem)
{
	_cleanup_close_ int fd = -1;
	struct stat stat;
	int r = create ? make_state(path) : 0;

	if (r < 0)
		return problem(ret_problem, r, "%s cannot be made: %s", path, strerror(-r));
	fd = open(path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (fd < 0 || fstat(fd, &stat) < 0)
		return problem(ret_problem, -errno, "%s: %s", path, strerror(errno));
	if ((stat.st_uid != 0 && stat.st_uid != geteuid()) || stat.st_mode & 0077)
		return problem(ret_problem, -EPERM,
			       "%s, which keeps copies of PAM files, must belong to root and be closed to others: "
			       "chown root:root %s; chmod 0700 %s",
			       path, path, path);
	r = take_lock(fd);
	if (r == -EWOULDBLOCK)
		return problem(ret_problem, r, "another nsisolate-pam is at work (it holds the lock of %s)", path);
	if (r < 0)
		return problem(ret_problem, r, "%s cannot be locked: %s", path, strerror(-r));
	*ret_fd = TAKE_FD(fd);
	return 0;
}

int pam_copy_write(int state_fd, const char *service, const struct pam_text *text)
{
	_cleanup_free_ char *pending = NULL;
	int r;

	r = pam_pending_write(state_fd, service, text, NULL, &pending);
	if (r < 0)
		return r;
	if (renameat(state_fd, pending, state_fd, service) < 0) {
		r = -errno;
		(void)unlinkat(state_fd, pending, 0);
		return r;
	}
	return fsync(state_fd) < 0 ? -errno : 0;
}

int pam_copy_read(int state_fd, const char *service, struct pam_text *ret)
{
	_cleanup_close_ int fd = openat(state_fd, service, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);

	return fd < 0 ? -errno : pam_read_all(fd, ret);
}

int pam_copy_remove(int state_fd, const char *service)
{
	return unlinkat(state_fd, service, 0) < 0 ? -errno : fsync(state_fd) < 0 ? -errno : 0;
}
