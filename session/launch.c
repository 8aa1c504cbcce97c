/* SPDX-License-Identifier: BSD-3-Clause OR GPL-2.0-or-later */
#include "session/launch.h"

#include "common/error.h"
#include "common/wait_child.h"
#include "session/error_text.h"
#include "session/inherit.h"
#include "session/network_new.h"
#include "session/process.h"
#include "session/syscalls.h"
#include "session/user_map.h"

#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <string.h>
#include <sys/pidfd.h>
#include <sys/socket.h>
#include <sys/stat.h>

/* How long the steps of an init may take that does not do them itself. */
#define SETTLE_MS 20000

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
	char error[ERROR_TEXT_SIZE];
	int r;

	if (request->flags & REQUEST_THREADED)
		reason = "the login process has more than one thread and cannot be moved as a whole";
	else if (getppid() != request->caller)
		reason = "the login process makes its children in another PID namespace than its own";
	else if ((r = is_chrooted()) > 0)
		reason = "the login process is chrooted, and entering a mount namespace would lift that";
	else if (r < 0)
		reason = step_error_text("caller", r, error);
	if (!reason)
		return true;
	if (asprintf(ret_text, "step caller: %s", reason) < 0)
		*ret_text = NULL;
	return false;
}

static int describe(char **ret_failure, const char *step, const char *object, int error)
{
	char reason[ERROR_TEXT_SIZE];

	if (asprintf(ret_failure, "step %s: %s: %s", step, object, step_error_text(step, error, reason)) < 0)
		*ret_failure = NULL;
	return error;
}

/*
 * namespaces(7): each kind has a limit, and the kernel does not say which is reached. We ask it, one kind after
 * another: this process makes nothing of its own any more, and ends. NULL: now there is room.
 */
static const char *full_kind(unsigned clone_flags)
{
	for (size_t i = 0; i < NAMESPACE_KINDS; i++) {
		unsigned flag = (unsigned)namespace_table[i].clone_flag;

		if ((clone_flags & flag) && unshare((int)flag) < 0 && errno == ENOSPC)
			return namespace_table[i].proc_link;
	}
	return NULL;
}

/* clone(2): ENOSPC is a limit of namespaces(7), or the kernel's on nesting, which nobody sees how near they are to. */
static int describe_full(char **ret_failure, const char *step, const char *object, unsigned clone_flags, int error)
{
	const char *kind = error == -ENOSPC ? full_kind(clone_flags) : NULL;

	if (error != -ENOSPC)
		return describe(ret_failure, step, object, error);
	if (asprintf(ret_failure, "step %s: %s: %s: %sthe limit user.max_%s_namespaces is reached", step, object,
		     strerror(ENOSPC),
		     kind && strcmp(kind, "pid") == 0 ? "PID namespaces are nested 32 deep, the kernel's limit, or "
						      : "",
		     kind ? kind : "*") < 0)
		*ret_failure = NULL;
	return error;
}

static void release(struct launch *launch)
{
	launch->pidfd = close_fd(launch->pidfd);
	launch->socket = close_fd(launch->socket);
	launch->network = close_fd(launch->network);
	launch->home = close_fd(launch->home);
}

int launch_finish(struct launch *launch)
{
	_cleanup_(message_release) struct message message = { 0 };
	int r;

	message_put(&message, INIT_WRITTEN);
	r = message_send(launch->socket, &message, NULL, 0);
	release(launch);
	return r;
}

void launch_abort(struct launch *launch)
{
	/* tolerates ESRCH: a failed step ended it */
	(void)pidfd_send_signal(launch->pidfd, SIGKILL, NULL, 0);
	/* our child: after SIGKILL this ends */
	(void)wait_child(launch->pid, __WALL, NULL);
	release(launch);
}

/* Whose namespace could not be made, or entered. */
static int describe_inherited(char **ret_failure, const struct plan *plan, const struct step *step, int error)
{
	_cleanup_free_ char *text = step->target ? strdup(step->target) : step_describe(plan, step);

	return describe_full(ret_failure, step_name(step->kind), text ? text : "", plan_new_flags(plan), error);
}

/* The one clone3(2). */
static int start_init(const struct session_request *request, const struct launch_order *order, int steps,
		      struct launch *ret, char **ret_failure)
{
	_cleanup_close_ int ours = -1;
	_cleanup_close_ int theirs = -1;
	/* without a way back to it the init is born in the new one */
	_cleanup_close_ int home = plan_find(order->plan, STEP_NETWORK_NEW) ? network_new_home() : -1;
	const unsigned flags = inherit_clone_flags(order->plan) & ~(home >= 0 ? (unsigned)CLONE_NEWNET : 0);
	int pair[2];
	int pidfd = -1;
	struct clone_args clone = {
		.flags = flags | CLONE_PIDFD,
		.pidfd = (uint64_t)(uintptr_t)&pidfd,
		.exit_signal = SIGCHLD,
	};
	pid_t pid;

	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair) < 0)
		return describe(ret_failure, "init", "socketpair", -errno);
	ours = pair[0];
	theirs = pair[1];
	pid = sys_clone3(&clone);
	if (pid < 0)
		return describe_full(ret_failure, step_name(STEP_NAMESPACES), "clone3", flags, -errno);
	if (pid == 0)
		init_main(&(struct init_arguments){
			.plan = order->plan,
			.policy = order->policy,
			.id = order->id,
			.wait = order->wait,
			.caller_pidfd = request->caller_pidfd,
			.caller = PROTOCOL_HELPER_FD,
			.helper = theirs,
			.steps = steps,
			.files = order->files,
		});
	*ret = (struct launch){ .pid = pid,
				.pidfd = pidfd,
				.socket = TAKE_FD(ours),
				.network = -1,
				.home = home >= 0 ? TAKE_FD(home) : -1 };
	return 0;
}

/* Where the init is born, it is made; the helper is there for no longer. */
static int start_inside(const struct session_request *request, const struct launch_order *order, int steps,
			struct launch *ret, char **ret_failure)
{
	struct inherited inherited = INHERITED_NOTHING;
	const struct step *failed = NULL;
	int r = inherit_enter(order->plan, order->network, &inherited, &failed);
	int left;

	if (r < 0)
		r = describe_inherited(ret_failure, order->plan, failed, r);
	else
		r = start_init(request, order, steps, ret, ret_failure);
	left = inherit_leave(&inherited);
	if (r < 0 || left == 0)
		return r;
	launch_abort(ret);
	return describe(ret_failure, step_name(STEP_NAMESPACES), "setns", left);
}

static int map_and_run(const struct launch_order *order, const struct launch *launch, int steps, char **ret_failure)
{
	const char *object = "";
	int r = user_map_write(launch->pid, &object);

	if (r == 0) {
		object = "fork";
		r = user_map_run_steps(order->plan, launch->pidfd, steps);
	}
	return r < 0 ? describe(ret_failure, step_name(STEP_USER_MAP), object, r) : 0;
}

/* The one that clone3(2) has made. Our child, which nobody has waited for: its number is nobody else's. */
static int open_network(struct launch *launch)
{
	_cleanup_close_ int namespaces = process_namespaces_open(launch->pid);

	if (namespaces < 0)
		return namespaces;
	launch->network = openat(namespaces, namespace_table[NAMESPACE_NETWORK].proc_link, O_RDONLY | O_CLOEXEC);
	return launch->network < 0 ? negative_errno() : 0;
}

static int make_network(struct launch *launch, char **ret_failure)
{
	int r = launch->network = network_new_make(launch->home);

	launch->home = close_fd(launch->home);
	return r < 0 ? describe_full(ret_failure, step_name(STEP_NAMESPACES), "unshare", CLONE_NEWNET, r) : 0;
}

static int provide_network(const struct launch_order *order, struct launch *launch, char **ret_failure)
{
	int r;

	if (!(plan_new_flags(order->plan) & CLONE_NEWNET))
		return 0;
	if (launch->home >= 0) {
		r = make_network(launch, ret_failure);
		if (r < 0)
			return r;
	} else {
		r = open_network(launch);
		if (r < 0)
			return describe(ret_failure, step_name(STEP_NAMESPACES), "/proc", r);
	}
	if (!plan_find(order->plan, STEP_NETWORK_NEW))
		return 0;
	r = network_new_send(launch->socket, launch->network);
	return r < 0 ? describe(ret_failure, step_name(STEP_NETWORK_NEW), "sendmsg", r) : 0;
}

static int start_mapped(const struct session_request *request, const struct launch_order *order, struct launch *ret,
			char **ret_failure)
{
	_cleanup_close_ int ours = -1, theirs = -1;
	int pair[2], r;

	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair) < 0)
		return describe(ret_failure, "init", "socketpair", -errno);
	ours = pair[0];
	theirs = pair[1];
	r = start_inside(request, order, theirs, ret, ret_failure);
	if (r < 0)
		return r;
	/* it has its own, and learns by the end of ours that the steps are done */
	theirs = close_fd(theirs);
	r = map_and_run(order, ret, ours, ret_failure);
	if (r < 0)
		launch_abort(ret);
	return r;
}

int launch_start(const struct session_request *request, const struct launch_order *order, struct launch *ret,
		 char **ret_failure)
{
	int r = plan_has_user_map(order->plan) ? start_mapped(request, order, ret, ret_failure)
					       : start_inside(request, order, -1, ret, ret_failure);

	if (r < 0)
		return r;
	r = provide_network(order, ret, ret_failure);
	if (r < 0)
		launch_abort(ret);
	return r;
}

int launch_settle(const struct launch_order *order, const struct launch *launch)
{
	_cleanup_(message_release) struct message message = { 0 };
	struct message_reader reader;
	size_t no_fds = 0;
	int r;

	if (!plan_has_user_map(order->plan))
		return 0;
	r = message_receive(launch->socket, SETTLE_MS, &message, NULL, &no_fds);
	if (r < 0)
		return r;
	reader = message_read(&message);
	return strcmp(message_get(&reader), INIT_SETTLED) == 0 ? 0 : -EPROTO;
}
