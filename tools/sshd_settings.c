/* SPDX-License-Identifier: BSD-3-Clause OR GPL-2.0-or-later */
#include "tools/sshd_settings.h"

#include "common/clock.h"
#include "common/wait_child.h"
#include "config/problem.h"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <sys/pidfd.h>
#include <time.h>

#define OUTPUT_MAX (256 * 1024)
#define TIMEOUT_MS 5000

struct child {
	pid_t pid;
	int pidfd;
	int output; /* standard output and error, not blocking */
	char *text;
	size_t size;
};

static _Noreturn void exec_sshd(const char *program, int output)
{
	char *const arguments[] = { (char *)program, (char *)"-T", NULL }, *const environment[] = { NULL };
	int null = open("/dev/null", O_RDONLY | O_CLOEXEC);

	if (null >= 0 && dup2(null, 0) >= 0 && dup2(output, 1) >= 0 && dup2(output, 2) >= 0)
		(void)execve(program, arguments, environment);
	_exit(127);
}

static int start(const char *program, struct child *child)
{
	int pipe_fds[2];

	child->text = malloc(OUTPUT_MAX + 1);
	if (!child->text || pipe2(pipe_fds, O_CLOEXEC) < 0)
		return -errno;
	child->pid = fork();
	if (child->pid == 0)
		exec_sshd(program, pipe_fds[1]);
	close_fd(pipe_fds[1]);
	child->output = pipe_fds[0];
	if (child->pid < 0)
		return -errno;
	child->pidfd = pidfd_open(child->pid, 0);
	if (child->pidfd < 0 || fcntl(child->output, F_SETFL, O_NONBLOCK) < 0)
		return -errno;
	return 0;
}

/* Whatever has come; what is longer than any settings are is not read, and the writer then waits for its end. */
static void drain(struct child *child)
{
	ssize_t got;

	do {
		got = read(child->output, child->text + child->size, OUTPUT_MAX - child->size);
		if (got > 0)
			child->size += (size_t)got;
	} while (got > 0);
	child->text[child->size] = '\0';
	if (got == 0 && child->size < OUTPUT_MAX)
		child->output = close_fd(child->output);
}

/* Until it ends: 0; -ETIMEDOUT. */
static int collect(struct child *child)
{
	const int64_t deadline = now_ms() + TIMEOUT_MS;

	for (;;) {
		struct pollfd fds[] = { { .fd = child->pidfd, .events = POLLIN },
					{ .fd = child->size < OUTPUT_MAX ? child->output : -1, .events = POLLIN } };
		int64_t left = deadline - now_ms();

		if (left <= 0)
			return -ETIMEDOUT;
		if (poll(fds, ELEMENTS(fds), (int)left) < 0 && errno != EINTR)
			return -errno;
		if (child->output >= 0)
			drain(child);
		if (fds[0].revents)
			return 0;
	}
}

static int finish(struct child *child, int r)
{
	int status = 0, waited = 0;

	if (r < 0 && child->pid > 0)
		(void)kill(child->pid, SIGKILL);
	if (child->pid > 0)
		waited = wait_child(child->pid, 0, &status);
	if (waited < 0)
		return waited;
	if (child->output >= 0)
		drain(child);
	if (r == 0 && status != 0)
		return -EIO;
	return r;
}

/* The last line: what a failing program says last. */
static const char *last_line(char *text)
{
	char *newline;

	for (size_t length = strlen(text); length && strchr("\r\n", text[length - 1]); length--)
		text[length - 1] = '\0';
	newline = strrchr(text, '\n');
	return newline ? newline + 1 : text;
}

int sshd_settings_read(const char *program, char **ret_text, char **ret_problem)
{
	struct child child = { .pidfd = -1, .output = -1 };
	int r = start(program, &child);

	if (r == 0)
		r = collect(&child);
	r = finish(&child, r);
	close_fd(child.pidfd);
	close_fd(child.output);
	if (r == 0)
		*ret_text = TAKE_PTR(child.text);
	else if (r == -EIO)
		r = problem(ret_problem, r, "'%s -T' failed: %s", program, last_line(child.text));
	else
		r = problem(ret_problem, r, "'%s -T': %s", program, strerror(-r));
	free(child.text);
	return r;
}

static bool says(const char *text, const char *line)
{
	const size_t length = strlen(line);

	for (; text; text = strchr(text, '\n')) {
		text += *text == '\n';
		if (strncmp(text, line, length) == 0 && (text[length] == '\n' || text[length] == '\0'))
			return true;
	}
	return false;
}

void sshd_settings_judge(const char *text, const char *file, struct diagnostics *diag)
{
	if (says(text, "usepam no"))
		diagnostics_add(
			diag, SEVERITY_ERROR, file, 0,
			"UsePAM no: sshd opens no PAM session, and nobody who comes through it is isolated; set "
			"UsePAM yes");
	if (says(text, "usedns yes"))
		diagnostics_add(diag, SEVERITY_WARNING, file, 0,
				"UseDNS yes: the remote host of a login is a name that whoever owns its address range "
				"chooses, in logs and records; set UseDNS no");
}
