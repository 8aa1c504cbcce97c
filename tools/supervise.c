/* SPDX-License-Identifier: BSD-3-Clause OR GPL-2.0-or-later */
#include "tools/supervise.h"

#include "common/error.h"
#include "tools/command_exit.h"

#include <fcntl.h>
#include <poll.h>
#include <sys/signalfd.h>
#include <sys/wait.h>

static const int passed_on[] = { SIGHUP, SIGINT, SIGQUIT, SIGTERM, SIGUSR1, SIGUSR2, SIGALRM, SIGTSTP, SIGWINCH };

static bool is_ignored(int number)
{
	struct sigaction action;

	return sigaction(number, NULL, &action) == 0 && action.sa_handler == SIG_IGN;
}

static bool has_controlling_terminal(void)
{
	_cleanup_close_ int fd = open("/dev/tty", O_RDWR | O_NOCTTY | O_CLOEXEC | O_NONBLOCK);

	return fd >= 0;
}

int signals_hold(struct signals *ret)
{
	const struct sigaction standard = { .sa_handler = SIG_DFL };

	*ret = (struct signals){ .fd = -1, .job_control = has_controlling_terminal() };
	sigemptyset(&ret->handled);
	sigaddset(&ret->handled, SIGCHLD);
	sigaddset(&ret->handled, SIGCONT);
	for (size_t i = 0; i < ELEMENTS(passed_on); i++)
		if (!is_ignored(passed_on[i]))
			sigaddset(&ret->handled, passed_on[i]);
	/* an ignored SIGCHLD would leave nothing to wait for, wait(2) */
	sigaction(SIGCHLD, &standard, NULL);
	if (sigprocmask(SIG_BLOCK, &ret->handled, &ret->before) < 0)
		return negative_errno();
	ret->fd = signalfd(-1, &ret->handled, SFD_CLOEXEC | SFD_NONBLOCK);
	return ret->fd < 0 ? negative_errno() : 0;
}

void signals_release(struct signals *signals)
{
	if (signals->fd >= 0)
		sigprocmask(SIG_SETMASK, &signals->before, NULL);
	signals->fd = close_fd(signals->fd);
}

/*
 * The command leads a process group: what it has started in the foreground is meant, too. Right after fork(2) there is
 * no such group yet. Tolerates ESRCH of both: it has ended.
 */
static void pass_on(pid_t command, int number)
{
	if (kill(-command, number) < 0 && errno == ESRCH)
		(void)kill(command, number);
}

/*
 * The command has stopped: nsrun does the same where a shell with job control may continue it. In an orphaned
 * process group SIGTSTP does nothing, setpgid(2). The SIGCONT that ends the stop is read and passed on like
 * others; without a terminal nothing is raised, for a stop signal discards a SIGCONT that has just come, signal(7).
 */
static void stop(const struct signals *signals, struct terminal *terminal)
{
	bool raw = terminal && terminal->raw;
	sigset_t stops;

	if (!signals->job_control)
		return;
	if (raw)
		terminal_restore(terminal);
	sigemptyset(&stops);
	sigaddset(&stops, SIGTSTP);
	(void)raise(SIGTSTP);
	sigprocmask(SIG_UNBLOCK, &stops, NULL);
	sigprocmask(SIG_BLOCK, &stops, NULL);
	if (raw)
		terminal_raw(terminal);
	if (terminal)
		terminal_resize(terminal);
}

static void handle_signal(int number, pid_t command, const struct terminal *terminal)
{
	switch (number) {
	case SIGCHLD:
		break;
	case SIGWINCH:
		if (terminal)
			terminal_resize(terminal);
		else
			pass_on(command, number);
		break;
	case SIGTSTP:
		/* the command's process group is orphaned: it would not stop by SIGTSTP, and its end of the stop is
		 * told */
		pass_on(command, SIGSTOP);
		break;
	default:
		pass_on(command, number);
		break;
	}
}

/* 1 when the command has ended, 0, or -errno. */
static int look_at_command(pid_t command, const struct signals *signals, struct terminal *terminal, int *ret_status)
{
	int status;
	pid_t pid = waitpid(command, &status, WNOHANG | WUNTRACED);

	if (pid < 0)
		return errno == EINTR ? 0 : negative_errno();
	if (pid == 0)
		return 0;
	if (WIFSTOPPED(status)) {
		stop(signals, terminal);
		return 0;
	}
	*ret_status = status;
	return 1;
}

/* 1 when the command has ended, 0, or -errno. */
static int handle_signals(const struct signals *signals, pid_t command, struct terminal *terminal, int *ret_status)
{
	struct signalfd_siginfo info;

	while (read(signals->fd, &info, sizeof(info)) == (ssize_t)sizeof(info)) {
		int r;

		handle_signal((int)info.ssi_signo, command, terminal);
		if (info.ssi_signo != SIGCHLD)
			continue;
		r = look_at_command(command, signals, terminal, ret_status);
		if (r != 0)
			return r;
	}
	return 0;
}

/* Behind the first of the pollers, which is for signals. */
static nfds_t poll_streams(const struct streams *streams, struct pollfd *pollers)
{
	nfds_t count = 0;

	if (streams->terminal) {
		terminal_poll(streams->terminal, pollers);
		count = TERMINAL_POLLFDS;
	}
	if (streams->pipes) {
		pipes_poll(streams->pipes, pollers + count);
		count += PIPES_POLLFDS;
	}
	return count;
}

static void relay_streams(const struct streams *streams, const struct pollfd *pollers)
{
	if (streams->terminal)
		terminal_relay(streams->terminal, pollers);
	if (streams->pipes)
		pipes_relay(streams->pipes, pollers + (streams->terminal ? TERMINAL_POLLFDS : 0));
}

int supervise(pid_t command, const struct signals *signals, const struct streams *streams, int *ret_status)
{
	for (;;) {
		struct pollfd pollers[1 + TERMINAL_POLLFDS + PIPES_POLLFDS] = {
			{ .fd = signals->fd, .events = POLLIN },
		};
		int r = poll(pollers, 1 + poll_streams(streams, pollers + 1), -1);

		if (r < 0 && errno != EINTR)
			return negative_errno();
		if (r < 0)
			continue;
		relay_streams(streams, pollers + 1);
		if (pollers[0].revents) {
			r = handle_signals(signals, command, streams->terminal, ret_status);
			if (r != 0)
				return r < 0 ? r : 0;
		}
	}
}

int status_of(int status)
{
	return WIFSIGNALED(status) ? EXIT_SIGNAL + WTERMSIG(status) : WEXITSTATUS(status);
}
