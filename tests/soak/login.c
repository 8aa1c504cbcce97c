/* SPDX-License-Identifier: BSD-3-Clause OR GPL-2.0-or-later */
#include "soak/login.h"

#include "bench/bench.h"
#include "common/cleanup.h"
#include "soak/stage.h"

#include <fcntl.h>
#include <poll.h>
#include <security/pam_appl.h>
#include <sys/wait.h>

const char *login_service(enum login_kind kind)
{
	static const char *const names[LOGIN_KINDS] = {
		[LOGIN_DEFAULT] = "soak-default", [LOGIN_SHARED] = "soak-shared", [LOGIN_WAITING] = "soak-waiting",
		[LOGIN_FULL] = "soak-full",       [LOGIN_NESTED] = "soak-nested", [LOGIN_BARE] = "soak-bare",
		[LOGIN_OFF] = "soak-off",
	};

	return names[kind];
}

static int converse(int count, const struct pam_message **messages, struct pam_response **responses, void *data)
{
	(void)messages;
	(void)data;
	*responses = calloc((size_t)count, sizeof(**responses));
	return *responses ? PAM_SUCCESS : PAM_BUF_ERR;
}

static int start(enum login_kind kind, unsigned user, pam_handle_t **ret)
{
	const struct pam_conv conversation = { converse, NULL };
	char name[STAGE_NAME_SIZE];

	stage_user_name(user, name);
	return pam_start_confdir(login_service(kind), name, &conversation, STAGE_STACKS, ret);
}

/* As login programs do before the user's program. */
static void become_user(unsigned user)
{
	if (setgid(stage_uid(user)) < 0 || setuid(stage_uid(user)) < 0)
		_exit(1);
}

/* A shell that waits for its terminal, as most do; it ends with its login process, wherever it is. */
static pid_t start_shell(unsigned user, int *ret_terminal)
{
	int terminal[2];
	pid_t pid;

	if (pipe2(terminal, O_CLOEXEC) < 0)
		return -1;
	pid = fork();
	if (pid == 0) {
		become_user(user);
		(void)dup2(terminal[0], STDIN_FILENO);
		execl("/bin/sh", "sh", "-c", "read line", NULL);
		_exit(127);
	}
	close_fd(terminal[0]);
	*ret_terminal = terminal[1];
	return pid;
}

static void leave_behind(const struct login_order *order)
{
	pid_t pid = order->linger_ms > 0 ? fork() : -1;

	if (pid != 0) {
		if (pid > 0 && order->orphan)
			(void)waitpid(pid, NULL, 0);
		return;
	}
	if (order->orphan && fork() != 0)
		_exit(0);
	become_user(order->user);
	(void)setsid();
	(void)poll(NULL, 0, (int)order->linger_ms);
	_exit(0);
}

/* As su inside a session: of another user, and by a process of the session. */
static void open_inside(const struct login_order *order, struct login_result *result)
{
	pid_t pid = fork();

	if (pid == 0) {
		pam_handle_t *pamh;

		if (start(LOGIN_DEFAULT, order->other_user, &pamh) != PAM_SUCCESS)
			_exit(1);
		result->nested = pam_open_session(pamh, 0);
		(void)poll(NULL, 0, (int)order->hold_ms / 2);
		if (result->nested == PAM_SUCCESS && order->end != END_BY_EXIT)
			(void)pam_close_session(pamh, 0);
		_exit(0);
	}
	if (pid > 0)
		(void)waitpid(pid, NULL, 0);
}

static void stay(const struct login_order *order)
{
	struct pollfd poller = { .fd = order->hold, .events = POLLIN };

	(void)poll(&poller, 1, order->hold >= 0 ? -1 : (int)order->hold_ms);
}

static void work(const struct login_order *order, struct login_result *result)
{
	int terminal = -1;
	pid_t shell = order->shell ? start_shell(order->user, &terminal) : -1;

	result->shell = shell;
	leave_behind(order);
	if (order->kind == LOGIN_NESTED)
		open_inside(order, result);
	stay(order);
	/* the end of the terminal is seen by the shell, and its end waited for, or not */
	if (order->end != END_BY_EXIT) {
		close_fd(terminal);
		if (shell > 0)
			(void)waitpid(shell, NULL, 0);
	}
}

_Noreturn void login_run(const struct login_order *order, struct login_result *result)
{
	pam_handle_t *pamh;
	double begin;

	if (start(order->kind, order->user, &pamh) != PAM_SUCCESS)
		_exit(3);
	begin = now_us();
	result->value = pam_open_session(pamh, 0);
	result->open_us = now_us() - begin;
	if (result->value != PAM_SUCCESS) {
		result->state = LOGIN_REFUSED;
		(void)pam_end(pamh, result->value);
		_exit(0);
	}
	result->isolated = pam_getenv(pamh, "NSISOLATE_ID") != NULL;
	result->state = LOGIN_INSIDE;
	work(order, result);
	result->state = LOGIN_CLOSING;
	if (order->end == END_BY_CLOSE)
		result->close = pam_close_session(pamh, 0);
	if (order->end != END_BY_EXIT)
		(void)pam_end(pamh, PAM_SUCCESS);
	_exit(0);
}
