/* SPDX-License-Identifier: BSD-3-Clause OR GPL-2.0-or-later */
#include "session/run_program.h"

#include "common/clock.h"
#include "common/wait_child.h"
#include "session/protocol.h"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <stdint.h>
#include <string.h>
#include <sys/wait.h>

static int spawn_with(char *const arguments[], int output, pid_t *ret)
{
	char *const environment[] = { NULL };
	posix_spawn_file_actions_t actions;
	int r = posix_spawn_file_actions_init(&actions);

	if (r != 0)
		return -r;
	r = posix_spawn_file_actions_addopen(&actions, STDIN_FILENO, "/dev/null", O_RDONLY, 0);
	if (r == 0)
		r = posix_spawn_file_actions_adddup2(&actions, output, STDOUT_FILENO);
	if (r == 0)
		r = posix_spawn_file_actions_adddup2(&actions, output, STDERR_FILENO);
	if (r == 0)
		r = posix_spawn_file_actions_addclosefrom_np(&actions, STDERR_FILENO + 1);
	if (r == 0)
		r = posix_spawn(ret, arguments[0], &actions, NULL, arguments, environment);
	posix_spawn_file_actions_destroy(&actions);
	return -r;
}

/* Until it has closed its output, as every program does that ends. 0, -ETIMEDOUT or -errno. */
static int read_output(int from, int timeout_ms, char text[PROGRAM_OUTPUT_MAX + 1], size_t *ret_size)
{
	const int64_t deadline = now_ms() + timeout_ms;
	size_t size = 0;

	for (;;) {
		struct pollfd poller = { .fd = from, .events = POLLIN };
		const int64_t left = deadline - now_ms();
		char rest[256];
		ssize_t got;
		int r = left > 0 ? poll_until(&poller, 1, (int)left) : 0;

		if (r <= 0)
			return r < 0 ? r : -ETIMEDOUT;
		got = size < PROGRAM_OUTPUT_MAX ? read(from, text + size, PROGRAM_OUTPUT_MAX - size)
						: read(from, rest, sizeof(rest));
		if (got < 0 && errno != EINTR)
			return -errno;
		if (got == 0)
			break;
		if (got > 0 && size < PROGRAM_OUTPUT_MAX)
			size += (size_t)got;
	}
	text[size] = '\0';
	*ret_size = size;
	return 0;
}

static int wait_for(pid_t pid)
{
	int status, r = wait_child(pid, 0, &status);

	if (r < 0)
		return r;
	return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

int run_program(char *const arguments[], int timeout_ms, char **ret_output)
{
	_cleanup_close_ int reader = -1;
	_cleanup_close_ int writer = -1;
	char text[PROGRAM_OUTPUT_MAX + 1] = "";
	size_t size = 0;
	int pair[2], status, r;
	pid_t pid = -1;

	if (pipe2(pair, O_CLOEXEC) < 0)
		return -errno;
	reader = pair[0];
	writer = pair[1];
	r = spawn_with(arguments, writer, &pid);
	if (r < 0)
		return r;
	writer = close_fd(writer);
	r = read_output(reader, timeout_ms, text, &size);
	if (r < 0)
		(void)kill(pid, SIGKILL);
	status = wait_for(pid);
	if (r < 0)
		return r;
	text[strcspn(text, "\n")] = '\0';
	*ret_output = *text ? strdup(text) : NULL;
	return status;
}
