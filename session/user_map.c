/* SPDX-License-Identifier: BSD-3-Clause OR GPL-2.0-or-later */
#include "session/user_map.h"

#include "common/error.h"
#include "common/wait_child.h"
#include "session/apply.h"
#include "session/report.h"

#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <string.h>
#include <sys/prctl.h>

/* One write(2), which the kernel takes whole or not at all. */
static int write_map(pid_t pid, const char *name)
{
	const size_t length = strlen(USER_MAP_IDENTITY_TEXT);
	_cleanup_close_ int fd = -1;
	char path[48];

	(void)snprintf(path, sizeof(path), "/proc/%jd/%s", (intmax_t)pid, name);
	fd = open(path, O_WRONLY | O_CLOEXEC);
	return fd < 0 || write(fd, USER_MAP_IDENTITY_TEXT, length) != (ssize_t)length ? negative_errno() : 0;
}

int user_map_write(pid_t pid, const char **ret_object)
{
	static const char *const names[] = { "uid_map", "gid_map" };
	int r = 0;

	for (size_t i = 0; r == 0 && i < ELEMENTS(names); i++) {
		*ret_object = names[i];
		r = write_map(pid, names[i]);
	}
	return r;
}

static void send_report(int steps, const struct report *report)
{
	_cleanup_(message_release) struct message message = { 0 };

	report_encode(report, &message);
	/* an init that cannot be told waits no longer than it must */
	(void)!message_send(steps, &message, NULL, 0);
}

/* In the session's PID namespace, which what it mounts as proc(5) is of. */
static _Noreturn void run_steps(const struct plan *plan, int steps)
{
	struct report report = { 0 };
	const struct step *failed = NULL;
	const char *object = NULL;

	if (prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0) < 0)
		_exit(1);
	report.error = apply_init_steps(plan, -1, &failed, &object);
	if (report.error < 0) {
		report.step = step_name(failed->kind);
		report.object = object ? object : "";
	}
	send_report(steps, &report);
	_exit(0);
}

/* The clock of the steps does not matter, and who enters a time namespace must have one thread for good. */
static int flags_to_enter(const struct plan *plan)
{
	return (int)(plan->clone_flags & ~(unsigned)(namespace_table[NAMESPACE_USER].clone_flag |
						     namespace_table[NAMESPACE_TIME].clone_flag));
}

/* It must end with the helper, and must not be left behind by it. */
static _Noreturn void enter_and_run(const struct plan *plan, int init_pidfd, int steps, pid_t helper)
{
	const int flags = flags_to_enter(plan);
	struct report report = { .step = step_name(STEP_NAMESPACES), .object = "setns" };
	pid_t child = -1;

	if (prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0) < 0 || getppid() != helper)
		_exit(1);
	if (flags == 0 || setns(init_pidfd, flags) == 0) {
		child = fork();
		if (child == 0)
			run_steps(plan, steps);
		report.object = "fork";
	}
	if (child < 0) {
		report.error = negative_errno();
		send_report(steps, &report);
		_exit(1);
	}
	(void)wait_child(child, 0, NULL);
	_exit(0);
}

int user_map_run_steps(const struct plan *plan, int init_pidfd, int steps)
{
	const pid_t helper = getpid();
	const pid_t child = fork();

	if (child == 0)
		enter_and_run(plan, init_pidfd, steps, helper);
	return child < 0 ? negative_errno() : 0;
}
