/* SPDX-License-Identifier: BSD-3-Clause OR GPL-2.0-or-later */
#include "tools/command.h"

#include "common/error.h"
#include "tools/command_exit.h"

#include <fcntl.h>
#include <grp.h>
#include <linux/capability.h>
#include <linux/keyctl.h>
#include <poll.h>
#include <string.h>
#include <sys/pidfd.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <utmp.h>

/* Those below it are open, so it is the lowest number, open(2). */
static bool open_stream(int fd)
{
	int opened;

	if (fcntl(fd, F_GETFD) >= 0)
		return true;
	opened = open("/dev/null", O_RDWR);
	return opened == fd;
}

bool command_streams_are_open(void)
{
	for (int fd = STDIN_FILENO; fd <= STDERR_FILENO; fd++)
		if (!open_stream(fd))
			return false;
	return true;
}

static _Noreturn void give_up(const char *what, int error)
{
	(void)command_fail("%s: %s", what, strerror(error));
	_exit(EXIT_REFUSED);
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

/*
 * securebits of the caller's, capabilities(7), would let programs of the user keep capabilities, or have set-user-ID
 * programs go without.
 */
static void clear_securebits(void)
{
	if (prctl(PR_GET_SECUREBITS, 0, 0, 0, 0) != 0 && prctl(PR_SET_SECUREBITS, 0, 0, 0, 0) < 0)
		give_up("securebits", errno);
}

/* None that a command could inherit; and none at all for a user. Ambient ones go with the inheritable ones. */
static void drop_capabilities(bool all)
{
	struct __user_cap_header_struct header = { .version = _LINUX_CAPABILITY_VERSION_3 };
	struct __user_cap_data_struct sets[_LINUX_CAPABILITY_U32S_3] = { 0 };

	if (!all && syscall(SYS_capget, &header, sets) < 0)
		give_up("capget", errno);
	for (size_t i = 0; i < ELEMENTS(sets); i++)
		sets[i].inheritable = 0;
	if (syscall(SYS_capset, &header, sets) < 0)
		give_up("capset", errno);
}

/*
 * In a user namespace of the user's own, or in none: execve(2) gives whoever is root there all that the bounding set
 * has.
 */
static void keep_user(void)
{
	if (prctl(PR_SET_DUMPABLE, 0, 0, 0, 0) < 0)
		give_up("prctl", errno);
	/* with no_new_privs nobody gets more than they have */
	drop_capabilities(getuid() != 0);
}

/*
 * setgroups, gid, uid, in this order, for good: credentials(7). Until execve(2) this process is a copy of the one that
 * started it, its memory and its program, which are nobody's to look at: it is never dumpable, ptrace(2). Where
 * fs.suid_dumpable is 1 the change of the user id would make it so; it keeps its capabilities until that is taken back,
 * and who has less cannot trace it.
 */
static void become_user(const struct command *command)
{
	const struct identity *identity = command->identity;

	if (command->same_user) {
		keep_user();
		return;
	}
	clear_securebits();
	if (prctl(PR_SET_KEEPCAPS, 1, 0, 0, 0) < 0)
		give_up("prctl", errno);
	if (setgroups(command->groups->count, command->groups->gids) < 0)
		give_up("setgroups", errno);
	if (setresgid(identity->gid, identity->gid, identity->gid) < 0)
		give_up("setresgid", errno);
	if (setresuid(identity->uid, identity->uid, identity->uid) < 0)
		give_up("setresuid", errno);
	if (prctl(PR_SET_DUMPABLE, 0, 0, 0, 0) < 0 || prctl(PR_SET_KEEPCAPS, 0, 0, 0, 0) < 0)
		give_up("prctl", errno);
	drop_capabilities(identity->uid != 0);
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
 * The session's init ends what has a PID namespace. This is for a policy without one, for no session, and for a
 * session that goes on. Asked for after the user id has changed, which would undo it, prctl(2).
 */
static void die_with(int parent)
{
	struct pollfd poller = { .fd = parent, .events = POLLIN };

	if (prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0) < 0)
		give_up("prctl", errno);
	/* getppid() is 0 across PID namespaces: this also knows of an end before the call */
	if (poll(&poller, 1, 0) != 0)
		_exit(EXIT_REFUSED);
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
	(void)command_fail("%s: %s", path, strerror(error));
	_exit(error == ENOENT ? EXIT_NOT_FOUND : EXIT_CANNOT_INVOKE);
}

void command_become(const struct command *command, int parent)
{
	leave_terminal(command);
	become_user(command);
	die_with(parent);
	leave_keyring();
	/* the namespaces that it came from, its socket to the log: all are O_CLOEXEC, and none is left to chance */
	if (close_range(STDERR_FILENO + 1, ~0U, 0) < 0)
		give_up("close_range", errno);
	/* from here on a file system of the user's may hold it up: whoever waits for it can end that */
	restore_signals(command->mask);
	enter_directory(command);
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
		command_become(command, self);
	return pid < 0 ? negative_errno() : pid;
}
