/* SPDX-License-Identifier: BSD-3-Clause OR GPL-2.0-or-later */
#include "session/slirp.h"

#include "common/wait_child.h"
#include "nsisolate-config.h"

#include "config/problem.h"
#include "session/process.h"
#include "session/protocol.h"

#include <fcntl.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/wait.h>

#define PROGRAM NSISOLATE_SLIRP4NETNS

/* It takes some milliseconds; a machine that is busy may take its time. */
#define READY_MS 10000

/* Its own descriptors, behind the standard ones. */
#define EXIT_FD  3
#define READY_FD 4

/* What it says is kept for the message when it fails: so much, and never more, for it may go on for weeks. */
#define SAID_MAX 512

/* Exit statuses of the child before it is slirp4netns; those are 0 and 1. */
enum { CHILD_DESCRIPTORS = 110, CHILD_NAMESPACE, CHILD_EXEC };

int slirp_check(char **ret_problem)
{
	if (access(PROGRAM, X_OK) == 0)
		return 0;
	return problem(ret_problem, -EINVAL,
		       "network.mode: 'slirp' needs " PROGRAM ": %s; install the package slirp4netns", strerror(errno));
}

int slirp_pipe(int *ret_init, int *ret_slirp)
{
	int fds[2];

	if (pipe2(fds, O_CLOEXEC) < 0)
		return -errno;
	*ret_slirp = fds[0];
	*ret_init = fds[1];
	return 0;
}

/* A file that cannot grow, memfd_create(2). */
static int new_said(void)
{
	int fd = memfd_create("slirp4netns", MFD_CLOEXEC | MFD_ALLOW_SEALING);

	if (fd < 0)
		return -errno;
	if (ftruncate(fd, SAID_MAX) < 0 || fcntl(fd, F_ADD_SEALS, F_SEAL_GROW | F_SEAL_SHRINK | F_SEAL_SEAL) < 0) {
		close_fd(fd);
		return -errno;
	}
	return fd;
}

/* dup2(2) onto the final numbers, from copies beyond them. */
static int place_descriptors(int exit_fd, int ready_fd, int said_fd)
{
	int copies[] = { fcntl(exit_fd, F_DUPFD, READY_FD + 1), fcntl(ready_fd, F_DUPFD, READY_FD + 1),
			 fcntl(said_fd, F_DUPFD, READY_FD + 1) };

	if (copies[0] < 0 || copies[1] < 0 || copies[2] < 0)
		return -errno;
	if (dup2(copies[0], EXIT_FD) < 0 || dup2(copies[1], READY_FD) < 0 || dup2(copies[2], STDERR_FILENO) < 0)
		return -errno;
	return close_range(READY_FD + 1, ~0U, 0) < 0 ? -errno : 0;
}

/*
 * Its sandbox takes away what is mounted below its root: in a mount namespace of its own, from which nothing reaches
 * the host's. It must not keep anything else of ours, nor end with the login program.
 */
static _Noreturn void become_slirp(const char *session, int exit_fd, int ready_fd, int said_fd)
{
	struct mount_attr slave = { .propagation = MS_SLAVE };
	char *const arguments[] = {
		(char *)"slirp4netns",       (char *)"--configure",
		(char *)"--mtu=65520",       (char *)"--disable-host-loopback",
		(char *)"--enable-sandbox",  (char *)"--enable-seccomp",
		(char *)"--exit-fd=3",       (char *)"--ready-fd=4",
		(char *)"--netns-type=path", (char *)session,
		(char *)SLIRP_INTERFACE,     NULL,
	};
	char *const environment[] = { NULL };

	if (setsid() < 0 || place_descriptors(exit_fd, ready_fd, said_fd) < 0)
		_exit(CHILD_DESCRIPTORS);
	if (unshare(CLONE_NEWNS) < 0 || mount_setattr(AT_FDCWD, "/", AT_RECURSIVE, &slave, sizeof(slave)) < 0)
		_exit(CHILD_NAMESPACE);
	(void)execve(PROGRAM, arguments, environment);
	_exit(CHILD_EXEC);
}

/* The last line that it said, in printable bytes. */
static void last_line(int said_fd, char text[SAID_MAX + 1])
{
	ssize_t size = pread(said_fd, text, SAID_MAX, 0);
	char *line;

	text[size > 0 ? size : 0] = '\0';
	for (size_t length = strlen(text); length > 0 && text[length - 1] == '\n'; length--)
		text[length - 1] = '\0';
	line = strrchr(text, '\n');
	if (line)
		memmove(text, line + 1, strlen(line));
	for (char *at = text; *at; at++)
		if (*at < 0x20 || *at > 0x7e)
			*at = '?';
}

static int say_end(int status, int said_fd, char **ret_problem)
{
	static const char *const steps[] = { "its descriptors", "its mount namespace", "execve" };
	int code = WIFEXITED(status) ? WEXITSTATUS(status) : -1;
	char said[SAID_MAX + 1];

	if (code >= CHILD_DESCRIPTORS && code <= CHILD_EXEC)
		return problem(ret_problem, -EIO, PROGRAM " could not be started: %s failed",
			       steps[code - CHILD_DESCRIPTORS]);
	last_line(said_fd, said);
	return problem(ret_problem, -EIO, PROGRAM " ended before it was ready%s%s", *said ? ": " : "", said);
}

/* Our child, which we kill if it is still there: this ends. */
static int end_slirp(struct slirp *slirp)
{
	int status = 0;

	(void)kill(slirp->pid, SIGKILL);
	(void)wait_child(slirp->pid, 0, &status);
	slirp->pid = 0;
	return status;
}

/* It writes a byte when its interface is up; at its end the pipe closes. */
int slirp_wait(struct slirp *slirp, char **ret_problem)
{
	struct pollfd poller = { .fd = slirp->ready, .events = POLLIN };
	int r = poll_until(&poller, 1, READY_MS), status;
	char byte;

	if (r > 0 && read(slirp->ready, &byte, 1) == 1) {
		slirp->pid = 0;
		return 0;
	}
	status = end_slirp(slirp);
	if (r < 0)
		return r;
	return r == 0 ? problem(ret_problem, -ETIMEDOUT, PROGRAM " was not ready within %d s", READY_MS / 1000)
		      : say_end(status, slirp->said, ret_problem);
}

int slirp_start(int session, int exit_fd, struct slirp *ret)
{
	_cleanup_close_ int said = new_said();
	_cleanup_close_ int ready = -1, theirs = -1;
	struct slirp slirp = { 0 };
	char path[48];
	int fds[2], r;

	if (said < 0)
		return said;
	if (pipe2(fds, O_CLOEXEC) < 0)
		return -errno;
	ready = fds[0];
	theirs = fds[1];
	/* we wait until it is ready. Where the login program's user is another, our descriptors can be opened by who
	 * can trace us only, proc(5), unless the rest of us is root's as it is */
	(void)prctl(PR_SET_DUMPABLE, 1, 0, 0, 0);
	(void)snprintf(path, sizeof(path), "/proc/%jd/fd/%d", (intmax_t)getpid(), session);
	slirp.pid = fork();
	if (slirp.pid < 0)
		return -errno;
	if (slirp.pid == 0)
		become_slirp(path, exit_fd, theirs, said);
	r = process_start_time(slirp.pid, &slirp.start);
	if (r < 0) {
		(void)end_slirp(&slirp);
		return r;
	}
	slirp.ready = TAKE_FD(ready);
	slirp.said = TAKE_FD(said);
	*ret = slirp;
	return 0;
}

void slirp_release(struct slirp *slirp)
{
	if (slirp->pid > 0)
		(void)end_slirp(slirp);
	slirp->ready = close_fd(slirp->ready);
	slirp->said = close_fd(slirp->said);
}
