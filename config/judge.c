/* SPDX-License-Identifier: BSD-3-Clause OR GPL-2.0-or-later */
#include "config/judge.h"

#include "common/error.h"
#include "config/problem.h"

#include <fcntl.h>
#include <stdint.h>
#include <string.h>
#include <sys/stat.h>

#define ELSEWHERE_REMEDY "put the policy into a directory of root's"

static const char *kind_of(mode_t mode)
{
	switch (mode & S_IFMT) {
	case S_IFLNK:
		return "a symbolic link";
	case S_IFDIR:
		return "a directory";
	case S_IFIFO:
		return "a FIFO";
	case S_IFSOCK:
		return "a socket";
	case S_IFCHR:
	case S_IFBLK:
		return "a device";
	default:
		return "no regular file";
	}
}

/* `subject` begins the sentence: nothing for a file, whose name stands before it wherever it is shown. */
static int judge_owner(const struct stat *st, const char *subject, unsigned flags, char **ret_problem)
{
	/* a directory that is not the policies' is not for us to have changed */
	bool elsewhere = (flags & FIND_ANYWHERE) && S_ISDIR(st->st_mode);

	if (flags & FIND_ANY_OWNER)
		return 0;
	if (st->st_uid != 0 && (flags & FIND_OWN) && st->st_uid != geteuid())
		return problem(ret_problem, -EPERM, "%sowned by uid %u, neither by you nor by root; copy the policy",
			       subject, (unsigned)st->st_uid);
	if (st->st_uid != 0 && !(flags & FIND_OWN))
		return problem(ret_problem, -EPERM, "%sowned by uid %u, not by root; %s", subject, (unsigned)st->st_uid,
			       elsewhere ? ELSEWHERE_REMEDY : "chown root it");
	/* in a sticky directory others can neither remove nor replace what is root's, unlink(2) */
	if (elsewhere && (st->st_mode & S_ISVTX))
		return 0;
	if (st->st_mode & (S_IWGRP | S_IWOTH))
		return problem(ret_problem, -EPERM, "%swritable by group or others (mode %04o); %s", subject,
			       (unsigned)(st->st_mode & 07777),
			       elsewhere && !(flags & FIND_OWN) ? ELSEWHERE_REMEDY : "chmod go-w it");
	return 0;
}

static int judge_regular(const struct stat *st, unsigned flags, char **ret_problem)
{
	if (!S_ISREG(st->st_mode))
		return problem(ret_problem, S_ISLNK(st->st_mode) ? -ELOOP : -EINVAL, "%s; a policy is a regular file",
			       kind_of(st->st_mode));
	if (st->st_size > POLICY_FILE_MAX)
		return problem(ret_problem, -EFBIG, "%jd bytes; a policy has at most %d", (intmax_t)st->st_size,
			       POLICY_FILE_MAX);
	return judge_owner(st, "", flags, ret_problem);
}

static int unreadable(char **ret_problem, const char *subject, int error)
{
	return problem(ret_problem, negative(error), "%scannot be opened: %s", subject, strerrordesc_np(error));
}

/* O_PATH touches nothing: a FIFO has no writer to wait for, a device is not opened. */
static int look(int directory_fd, const char *name, const char *subject, int *ret_fd, struct stat *ret_st,
		char **ret_problem)
{
	_cleanup_close_ int fd = openat(directory_fd, name, O_PATH | O_NOFOLLOW | O_CLOEXEC);

	if (fd < 0)
		return errno == ENOENT ? -ENOENT : unreadable(ret_problem, subject, errno);
	if (fstat(fd, ret_st) < 0)
		return unreadable(ret_problem, subject, errno);
	*ret_fd = TAKE_FD(fd);
	return 0;
}

/*
 * What is there, as the directory that it is, or for a sentence that says what it is instead. To open one reads
 * nothing; a user who only passes by may not be able to list it.
 */
static int look_at_directory(int parent_fd, const char *name, unsigned flags, const char *subject, int *ret_fd,
			     struct stat *ret_st, char **ret_problem)
{
	_cleanup_close_ int fd =
		openat(parent_fd, name, (flags & FIND_OWN ? O_PATH : O_RDONLY) | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);

	if (fd < 0 && (errno == ENOTDIR || errno == ELOOP))
		return look(parent_fd, name, subject, ret_fd, ret_st, ret_problem);
	if (fd < 0)
		return errno == ENOENT ? -ENOENT : unreadable(ret_problem, subject, errno);
	if (fstat(fd, ret_st) < 0)
		return unreadable(ret_problem, subject, errno);
	*ret_fd = TAKE_FD(fd);
	return 0;
}

int judge_directory(int parent_fd, const char *name, const char *shown, unsigned flags, int *ret_fd, char **ret_problem)
{
	_cleanup_free_ char *subject = NULL, *opening = NULL;
	_cleanup_close_ int fd = -1;
	struct stat st;
	int r;

	if (asprintf(&subject, "the directory '%s' is ", shown) < 0) {
		subject = NULL;
		return -ENOMEM;
	}
	if (asprintf(&opening, "the directory '%s' ", shown) < 0) {
		opening = NULL;
		return -ENOMEM;
	}
	r = look_at_directory(parent_fd, name, flags, opening, &fd, &st, ret_problem);
	if (r < 0)
		return r;
	if (!S_ISDIR(st.st_mode))
		return problem(ret_problem, S_ISLNK(st.st_mode) ? -ELOOP : -ENOTDIR, "'%s' is %s, not a directory",
			       shown, S_ISREG(st.st_mode) ? "a regular file" : kind_of(st.st_mode));
	r = judge_owner(&st, subject, flags, ret_problem);
	if (r < 0)
		return r;
	*ret_fd = TAKE_FD(fd);
	return 0;
}

int judge_file(int directory_fd, const char *name, unsigned flags, int *ret_fd, char **ret_problem)
{
	_cleanup_close_ int path_fd = -1, fd = -1;
	struct stat st;
	int r;

	r = look(directory_fd, name, "", &path_fd, &st, ret_problem);
	if (r < 0)
		return r;
	r = judge_regular(&st, flags, ret_problem);
	if (r < 0)
		return r;
	/* the name may mean another file by now, so what was opened is judged again */
	fd = openat(directory_fd, name, O_RDONLY | O_NONBLOCK | O_NOFOLLOW | O_NOCTTY | O_CLOEXEC);
	if (fd < 0)
		return unreadable(ret_problem, "", errno == ENOENT ? ESTALE : errno);
	if (fstat(fd, &st) < 0)
		return unreadable(ret_problem, "", errno);
	r = judge_regular(&st, flags, ret_problem);
	if (r < 0)
		return r;
	*ret_fd = TAKE_FD(fd);
	return 0;
}

int policy_file_open(int directory_fd, const char *name, unsigned flags, int *ret_fd, char **ret_problem)
{
	_cleanup_free_ char *directory_name = NULL;
	_cleanup_close_ int fd = -1;
	const char *slash = strchr(name, '/');
	int r;

	if (!slash)
		return judge_file(directory_fd, name, flags, ret_fd, ret_problem);
	directory_name = strndup(name, (size_t)(slash - name));
	if (!directory_name)
		return -ENOMEM;
	r = judge_directory(directory_fd, directory_name, directory_name, flags, &fd, ret_problem);
	if (r < 0)
		return r;
	return judge_file(fd, slash + 1, flags, ret_fd, ret_problem);
}
