/* SPDX-License-Identifier: BSD-3-Clause OR GPL-2.0-or-later */
#include "session/helper_process.h"

#include <fcntl.h>
#include <poll.h>
#include <spawn.h>
#include <sys/pidfd.h>
#include <sys/socket.h>
#include <sys/wait.h>

/* The helper exits right after its reply. */
#define HELPER_EXIT_MS 2000

static void hold_child_signal(struct helper *helper)
{
	const struct sigaction standard = { .sa_handler = SIG_DFL };
	sigset_t child, pending;

	sigemptyset(&child);
	sigaddset(&child, SIGCHLD);
	sigprocmask(SIG_BLOCK, &child, &helper->old_mask);
	helper->child_signal_pending = sigpending(&pending) == 0 && sigismember(&pending, SIGCHLD) == 1;
	sigaction(SIGCHLD, &standard, &helper->old_child_action);
}

bool has_zombie_child(void)
{
	siginfo_t info = { 0 };

	return waitid(P_ALL, 0, &info, WEXITED | WNOHANG | WNOWAIT) == 0 && info.si_pid != 0;
}

/*
 * A blocked signal stays pending whatever its action, and the program's handler
 * must not be called for the helper: setting SIG_DFL discards it, sigaction(2). With it
 * goes one that the program is owed for a child of its own, which is therefore sent again.
 */
static void give_back_child_signal(const struct helper *helper)
{
	const struct sigaction standard = { .sa_handler = SIG_DFL };

	sigaction(SIGCHLD, &standard, NULL);
	sigaction(SIGCHLD, &helper->old_child_action, NULL);
	/* the helper has been reaped: this is another child, whose end its program has yet to hear of */
	if (helper->child_signal_pending || has_zombie_child())
		(void)raise(SIGCHLD);
	sigprocmask(SIG_SETMASK, &helper->old_mask, NULL);
}

/* Returns a positive errno, as posix_spawn(3) and its kin do. */
static int set_up_descriptors(posix_spawn_file_actions_t *actions, int socket)
{
	int r = posix_spawn_file_actions_adddup2(actions, socket, PROTOCOL_HELPER_FD);

	for (int fd = 0; r == 0 && fd < PROTOCOL_HELPER_FD; fd++)
		r = posix_spawn_file_actions_addopen(actions, fd, "/dev/null", O_RDWR, 0);
	if (r == 0)
		r = posix_spawn_file_actions_addclosefrom_np(actions, PROTOCOL_HELPER_FD + 1);
	return r;
}

static int set_up_attributes(posix_spawnattr_t *attributes)
{
	sigset_t all, none;
	int r;

	sigfillset(&all);
	sigemptyset(&none);
	r = posix_spawnattr_setsigdefault(attributes, &all);
	if (r == 0)
		r = posix_spawnattr_setsigmask(attributes, &none);
	if (r == 0)
		r = posix_spawnattr_setflags(attributes,
					     POSIX_SPAWN_SETSIGDEF | POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSID);
	return r;
}

int helper_spawn(const char *path, const char *name, int socket, pid_t *ret_pid)
{
	char *const arguments[] = { (char *)name, NULL };
	char *const environment[] = { NULL };
	posix_spawn_file_actions_t actions;
	posix_spawnattr_t attributes;
	int r = posix_spawn_file_actions_init(&actions);

	if (r != 0)
		return -r;
	r = posix_spawnattr_init(&attributes);
	if (r != 0) {
		posix_spawn_file_actions_destroy(&actions);
		return -r;
	}
	r = set_up_descriptors(&actions, socket);
	if (r == 0)
		r = set_up_attributes(&attributes);
	if (r == 0)
		r = posix_spawn(ret_pid, path, &actions, &attributes, arguments, environment);
	posix_spawnattr_destroy(&attributes);
	posix_spawn_file_actions_destroy(&actions);
	return -r;
}

int helper_start(const char *path, struct helper *ret)
{
	_cleanup_close_ int ours = -1;
	_cleanup_close_ int theirs = -1;
	int pair[2];
	int r;

	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair) < 0)
		return -errno;
	ours = pair[0];
	theirs = pair[1];
	hold_child_signal(ret);
	/* what ps(1) shows of the process that stays: the init is the helper's child without an exec */
	r = helper_spawn(path, "nsisolate-init", theirs, &ret->pid);
	if (r < 0) {
		give_back_child_signal(ret);
		return r;
	}
	ret->pidfd = pidfd_open(ret->pid, 0);
	if (ret->pidfd < 0) {
		r = -errno;
		/* it has done nothing yet that it could hang in */
		(void)kill(ret->pid, SIGKILL);
		while (waitpid(ret->pid, NULL, 0) < 0 && errno == EINTR)
			;
		give_back_child_signal(ret);
		return r;
	}
	ret->socket = TAKE_FD(ours);
	return 0;
}

int helper_receive(const struct helper *helper, int timeout_ms, struct message *ret, int *fds, size_t *fd_count)
{
	struct pollfd pollers[] = {
		{ .fd = helper->socket, .events = POLLIN },
		{ .fd = helper->pidfd, .events = POLLIN },
	};
	int r;

	if (poll_until(pollers, ELEMENTS(pollers), timeout_ms) == 0)
		return -ETIMEDOUT;
	/* what it said before it ended is there by now */
	r = message_receive(helper->socket, 0, ret, fds, fd_count);
	return r == -ETIMEDOUT ? -ECONNRESET : r;
}

/* True when the helper has ended within `timeout_ms`; it stays to be reaped. */
static bool has_ended(const struct helper *helper, int timeout_ms)
{
	struct pollfd poller = { .fd = helper->pidfd, .events = POLLIN };

	return poll_until(&poller, 1, timeout_ms) > 0;
}

void helper_end(struct helper *helper)
{
	bool ended;

	helper->socket = close_fd(helper->socket);
	ended = has_ended(helper, HELPER_EXIT_MS);
	if (!ended) {
		(void)kill(helper->pid, SIGKILL);
		ended = has_ended(helper, HELPER_EXIT_MS);
	}
	helper->pidfd = close_fd(helper->pidfd);
	/* one that has ended is there at once, or when a tracer of it has seen that; one stuck in the kernel stays our
	 * zombie */
	while (waitpid(helper->pid, NULL, ended ? 0 : WNOHANG) < 0 && errno == EINTR)
		;
	give_back_child_signal(helper);
}
