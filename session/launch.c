/* SPDX-License-Identifier: BSD-3-Clause OR GPL-2.0-or-later */
#include "session/launch.h"

#include "session/init.h"
#include "session/syscalls.h"

#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <string.h>
#include <sys/pidfd.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>

/* The kernel may stall while thousands of network namespaces are being torn down. */
#define READY_TIMEOUT_MS 20000

/*
 * 1 if the root directory that we inherited from the caller is not the root of
 * its mount namespace, 0 if it is, or -errno. Entering one's own mount
 * namespace moves the root there, setns(2), and needs no /proc; the helper may be moved, the caller not.
 */
static int is_chrooted(void)
{
	_cleanup_close_ int self = pidfd_open(getpid(), 0);
	struct statx before, after;

	if (self < 0 || statx(AT_FDCWD, "/", 0, STATX_INO | STATX_MNT_ID, &before) < 0)
		return -errno;
	if (setns(self, CLONE_NEWNS) < 0 || statx(AT_FDCWD, "/", 0, STATX_INO | STATX_MNT_ID, &after) < 0)
		return -errno;
	return before.stx_mnt_id != after.stx_mnt_id || before.stx_ino != after.stx_ino ||
	       before.stx_dev_major != after.stx_dev_major || before.stx_dev_minor != after.stx_dev_minor;
}

bool launch_allowed(const struct session_request *request, char **ret_text)
{
	const char *reason = NULL;
	int r;

	if (request->flags & REQUEST_THREADED)
		reason = "the login process has more than one thread and cannot be moved as a whole";
	else if (getppid() != request->caller)
		reason = "the login process makes its children in another PID namespace than its own";
	else if ((r = is_chrooted()) > 0)
		reason = "the login process is chrooted, and entering a mount namespace would lift that";
	else if (r < 0)
		reason = strerror(-r);
	if (!reason)
		return true;
	if (asprintf(ret_text, "step caller: %s", reason) < 0)
		*ret_text = NULL;
	return false;
}

static int describe(char **ret_failure, const char *step, const char *object, int error)
{
	if (asprintf(ret_failure, "step %s: %s%s%s", step, object, *object ? ": " : "", strerror(-error)) < 0)
		*ret_failure = NULL;
	return error;
}

int launch_wait(const struct launch *launch, char **ret_failure)
{
	_cleanup_(message_release) struct message message = { 0 };
	struct message_reader reader;
	const char *step, *object;
	size_t no_fds = 0;
	int r = message_receive(launch->ready, READY_TIMEOUT_MS, &message, NULL, &no_fds);

	if (r < 0)
		return describe(ret_failure, "init", "no answer", r);
	reader = message_read(&message);
	if (strcmp(message_get(&reader), INIT_READY) == 0)
		return 0;
	step = message_get(&reader);
	object = message_get(&reader);
	r = -(int)message_get_number(&reader, 4095);
	return describe(ret_failure, step, object, r < 0 ? r : -EBADMSG);
}

void launch_abort(struct launch *launch)
{
	/* tolerates ESRCH: a failed step ended it */
	(void)pidfd_send_signal(launch->pidfd, SIGKILL, NULL, 0);
	/* our child: after SIGKILL this ends */
	while (waitpid(launch->pid, NULL, __WALL) < 0 && errno == EINTR)
		;
	launch->pidfd = close_fd(launch->pidfd);
	launch_release(launch);
}

void launch_release(struct launch *launch)
{
	launch->ready = close_fd(launch->ready);
}

int launch_start(const struct session_request *request, const struct plan *plan, int record, struct launch *ret,
		 char **ret_failure)
{
	_cleanup_close_ int ours = -1;
	_cleanup_close_ int theirs = -1;
	int ready[2];
	int pidfd = -1;
	struct clone_args clone = {
		.flags = plan->clone_flags | CLONE_PIDFD,
		.pidfd = (uint64_t)(uintptr_t)&pidfd,
		.exit_signal = SIGCHLD,
	};
	pid_t pid;

	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ready) < 0)
		return describe(ret_failure, "init", "socketpair", -errno);
	ours = ready[0];
	theirs = ready[1];
	pid = sys_clone3(&clone);
	if (pid < 0)
		return describe(ret_failure, step_name(STEP_NAMESPACES), "clone3", -errno);
	if (pid == 0)
		init_main(&(struct init_arguments){
			.plan = plan,
			.caller_pidfd = request->caller_pidfd,
			.caller = PROTOCOL_HELPER_FD,
			.helper = theirs,
			.record = record,
		});
	/* closing theirs: else an init that dies in silence would be waited for until the time is over */
	*ret = (struct launch){ .pid = pid, .pidfd = pidfd, .ready = TAKE_FD(ours) };
	return 0;
}
