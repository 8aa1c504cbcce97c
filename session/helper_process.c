/* SPDX-License-Identifier: BSD-3-Clause OR GPL-2.0-or-later */
#include "session/helper_process.h"

#include "common/wait_child.h"

#include <fcntl.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/pidfd.h>
#include <sys/socket.h>

/* The helper exits right after its reply. */
#define HELPER_EXIT_MS 2000

/* Of the child until it is another program: it calls the kernel, and little else. */
#define STACK_SIZE 16384

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
 * must not be called for the helper: setting SIG_DFL or SIG_IGN discards it, sigaction(2). With it
 * goes one that the program is owed for a child of its own, which is therefore sent again.
 */
static void give_back_child_signal(const struct helper *helper)
{
	const struct sigaction standard = { .sa_handler = SIG_DFL };

	if (helper->old_child_action.sa_handler != SIG_DFL && helper->old_child_action.sa_handler != SIG_IGN)
		sigaction(SIGCHLD, &standard, NULL);
	sigaction(SIGCHLD, &helper->old_child_action, NULL);
	/* the helper has been reaped: this is another child, whose end its program has yet to hear of */
	if (helper->child_signal_pending || has_zombie_child())
		(void)raise(SIGCHLD);
	sigprocmask(SIG_SETMASK, &helper->old_mask, NULL);
}

/* What the child needs between clone(2) and execve(2). It shares our memory, and we wait. */
struct start {
	const char *path;
	char *const *arguments;
	int socket;
	int error; /* negative, where there was no program to run */
};

/* Standard streams on /dev/null, the socket as PROTOCOL_HELPER_FD, and nothing else. */
static int set_up_descriptors(int socket)
{
	int null;

	if (dup2(socket, PROTOCOL_HELPER_FD) < 0)
		return -errno;
	/* dup2(2) of a descriptor onto itself leaves it to be closed by execve(2) */
	if (socket == PROTOCOL_HELPER_FD && fcntl(socket, F_SETFD, 0) < 0)
		return -errno;
	if (close_range(0, PROTOCOL_HELPER_FD - 1, 0) < 0 || close_range(PROTOCOL_HELPER_FD + 1, ~0U, 0) < 0)
		return -errno;
	/* the lowest that is free, open(2): the first of them */
	null = open("/dev/null", O_RDWR);
	for (int fd = 0; fd < PROTOCOL_HELPER_FD; fd++)
		if (null < 0 || dup2(null, fd) < 0)
			return -errno;
	return 0;
}

/* In the memory of the login program: system calls only, and nothing of it is written to but what is ours. */
static int run_program(void *data)
{
	static char *const environment[] = { NULL };
	struct start *start = data;

	if (setsid() < 0)
		start->error = -errno;
	if (start->error == 0)
		start->error = set_up_descriptors(start->socket);
	if (start->error == 0) {
		(void)execve(start->path, start->arguments, environment);
		start->error = -errno;
	}
	_exit(127);
}

/*
 * Like posix_spawn(3), which asks for the action of each signal there is, for it lets them in before execve(2), which
 * itself takes away the handlers. Here they stay blocked until the program lets them in.
 */
int helper_spawn(const char *path, const char *name, int socket, pid_t *ret_pid)
{
	char *const arguments[] = { (char *)name, NULL };
	struct start start = { .path = path, .arguments = arguments, .socket = socket };
	char *stack = mmap(NULL, STACK_SIZE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_STACK, -1, 0);
	sigset_t all, before;
	pid_t pid;

	if (stack == MAP_FAILED)
		return -errno;
	sigfillset(&all);
	sigprocmask(SIG_BLOCK, &all, &before);
	pid = clone(run_program, stack + STACK_SIZE, CLONE_VM | CLONE_VFORK | SIGCHLD, &start);
	if (pid < 0)
		start.error = -errno;
	sigprocmask(SIG_SETMASK, &before, NULL);
	if (pid > 0 && start.error < 0)
		(void)wait_child(pid, 0, NULL);
	(void)munmap(stack, STACK_SIZE);
	if (start.error == 0)
		*ret_pid = pid;
	return start.error;
}

void signals_let_in(void)
{
	/* what programs that we start take for granted, and what we wait for */
	static const int numbers[] = { SIGHUP, SIGINT, SIGQUIT, SIGPIPE, SIGALRM, SIGTERM, SIGCHLD };
	sigset_t none;

	for (size_t i = 0; i < ELEMENTS(numbers); i++)
		(void)signal(numbers[i], SIG_DFL);
	sigemptyset(&none);
	(void)sigprocmask(SIG_SETMASK, &none, NULL);
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
		(void)wait_child(ret->pid, 0, NULL);
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
	(void)wait_child(helper->pid, ended ? 0 : WNOHANG, NULL);
	give_back_child_signal(helper);
}
