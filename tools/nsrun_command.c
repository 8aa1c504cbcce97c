/* SPDX-License-Identifier: BSD-3-Clause OR GPL-2.0-or-later */
#include "tools/nsrun_command.h"

#include "common/error.h"
#include "tools/nsrun_fail.h"

#include <grp.h>
#include <linux/keyctl.h>
#include <poll.h>
#include <string.h>
#include <sys/pidfd.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <utmp.h>

static _Noreturn void give_up(const char *what, int error)
{
	(void)nsrun_fail("%s: %s", what, strerror(error));
	_exit(EXIT_NSRUN);
}

/*
 * Away from the caller's terminal: a process that has it as its controlling
 * terminal can type into the caller's shell by TIOCSTI, ioctl_tty(2).
 */
static void leave_terminal(const struct command *command)
{
	if (command->terminal >= 0) {
		if (login_tty(command->terminal) < 0)
			give_up("terminal", errno);
	} else if (setsid() < 0) {
		give_up("setsid", errno);
	}
}

/* setgroups, gid, uid, in this order, for good: credentials(7). */
static void become_user(const struct command *command)
{
	const struct identity *identity = command->identity;

	if (setgroups(command->groups->count, command->groups->gids) < 0)
		give_up("setgroups", errno);
	if (setresgid(identity->gid, identity->gid, identity->gid) < 0)
		give_up("setresgid", errno);
	if (setresuid(identity->uid, identity->uid, identity->uid) < 0)
		give_up("setresuid", errno);
	if (identity->uid != 0 && (setuid(0) == 0 || setgid(0) == 0))
		give_up("setresuid", EPERM);
}

/*
 * The caller's keyrings stay the caller's, session-keyring(7). Tolerates ENOSYS, a kernel without
 * keys, and EPERM, where they may not be used at all.
 */
static void leave_keyring(void)
{
	if (syscall(SYS_keyctl, KEYCTL_JOIN_SESSION_KEYRING, NULL) < 0 && errno != ENOSYS && errno != EPERM)
		give_up("keyctl", errno);
}

/*
 * The session's init ends what has a PID namespace. This is for a policy without one, and for no
 * session. Asked for after the user id has changed, which would undo it, prctl(2).
 */
static void die_with(int parent_pidfd)
{
	struct pollfd poller = { .fd = parent_pidfd, .events = POLLIN };

	if (prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0) < 0)
		give_up("prctl", errno);
	/* getppid() is 0 across PID namespaces: this also knows of an end before the call */
	if (poll(&poller, 1, 0) != 0)
		_exit(EXIT_NSRUN);
}

/* As the user, so that nobody gets into a directory that is not theirs to enter. */
static void enter_directory(const struct command *command)
{
	if (command->keep_directory && access(".", X_OK) == 0)
		return;
	if (chdir(command->identity->home) < 0 && chdir("/") < 0)
		give_up("/", errno);
}

static void restore_signals(const sigset_t *mask)
{
	const struct sigaction standard = { .sa_handler = SIG_DFL };

	sigaction(SIGCHLD, &standard, NULL);
	sigprocmask(SIG_SETMASK, mask, NULL);
}

static _Noreturn void execute(const struct command *command)
{
	const char *name = strrchr(command->shell, '/');
	_cleanup_free_ char *login_name = NULL;
	const char *path = command->arguments[0];
	int error;

	environ = command->environment;
	if (path) {
		(void)execvp(path, command->arguments);
	} else {
		path = command->shell;
		if (asprintf(&login_name, "-%s", name ? name + 1 : path) < 0)
			give_up("shell", ENOMEM);
		(void)execl(path, login_name, (char *)NULL);
	}
	error = errno;
	(void)nsrun_fail("%s: %s", path, strerror(error));
	_exit(error == ENOENT ? EXIT_NOT_FOUND : EXIT_CANNOT_INVOKE);
}

static _Noreturn void run(const struct command *command, int parent_pidfd)
{
	leave_terminal(command);
	become_user(command);
	die_with(parent_pidfd);
	leave_keyring();
	/* the namespaces that nsrun came from, its socket to the log: all are O_CLOEXEC, and none is left to chance */
	if (close_range(STDERR_FILENO + 1, ~0U, 0) < 0)
		give_up("close_range", errno);
	enter_directory(command);
	restore_signals(command->mask);
	execute(command);
}

pid_t command_start(const struct command *command)
{
	_cleanup_close_ int self = pidfd_open(getpid(), 0);
	pid_t pid;

	if (self < 0)
		return negative_errno();
	pid = fork();
	if (pid == 0)
		run(command, self);
	return pid < 0 ? negative_errno() : pid;
}
