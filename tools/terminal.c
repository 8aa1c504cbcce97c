/* SPDX-License-Identifier: BSD-3-Clause OR GPL-2.0-or-later */
#include "tools/terminal.h"

#include "common/error.h"

#include <fcntl.h>
#include <poll.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/stat.h>

#define NAME_MAX_SIZE 64
#define SLAVE_MODE    0620      /* as mesg(1) and login(1) have it: the group may write */
#define DRAIN_MAX     (1 << 20) /* bytes; a pty holds far less */

int terminal_open(struct terminal *ret, uid_t uid)
{
	char name[NAME_MAX_SIZE];

	*ret = (struct terminal){ .master = -1, .slave = -1 };
	ret->master = posix_openpt(O_RDWR | O_NOCTTY | O_CLOEXEC | O_NONBLOCK);
	if (ret->master < 0 || unlockpt(ret->master) < 0)
		return negative_errno();
	if (ptsname_r(ret->master, name, sizeof(name)) != 0)
		return negative_errno();
	ret->name = strdup(name);
	if (!ret->name)
		return -ENOMEM;
	/* by the master, not by its name: ioctl_tty(2) */
	ret->slave = ioctl(ret->master, TIOCGPTPEER, O_RDWR | O_NOCTTY | O_CLOEXEC);
	if (ret->slave < 0 || fchown(ret->slave, uid, (gid_t)-1) < 0 || fchmod(ret->slave, SLAVE_MODE) < 0)
		return negative_errno();
	ret->has_outer = tcgetattr(STDIN_FILENO, &ret->outer) == 0;
	if (ret->has_outer)
		(void)tcsetattr(ret->slave, TCSANOW, &ret->outer);
	terminal_resize(ret);
	return 0;
}

void terminal_raw(struct terminal *terminal)
{
	struct termios raw = terminal->outer;

	if (!terminal->has_outer || terminal->raw)
		return;
	cfmakeraw(&raw);
	terminal->raw = tcsetattr(STDIN_FILENO, TCSADRAIN, &raw) == 0;
}

void terminal_restore(struct terminal *terminal)
{
	if (terminal->raw)
		(void)tcsetattr(STDIN_FILENO, TCSADRAIN, &terminal->outer);
	terminal->raw = false;
}

void terminal_resize(const struct terminal *terminal)
{
	struct winsize size;

	/* no window, no size: the command's terminal stays as it is */
	if (terminal->has_outer && terminal->master >= 0 && ioctl(STDIN_FILENO, TIOCGWINSZ, &size) == 0)
		(void)ioctl(terminal->master, TIOCSWINSZ, &size);
}

void terminal_close_slave(struct terminal *terminal)
{
	terminal->slave = close_fd(terminal->slave);
}

void terminal_poll(const struct terminal *terminal, struct pollfd pollers[TERMINAL_POLLFDS])
{
	const struct relay *input = &terminal->input, *output = &terminal->output;
	bool takes_input = terminal->master >= 0 && !terminal->input_ended && relay_is_empty(input);
	short reads = !terminal->output_ended && relay_is_empty(output) ? POLLIN : 0;
	short writes = relay_is_empty(input) ? 0 : POLLOUT;

	/* a hangup is told whether asked for or not: without a question there is no descriptor */
	pollers[0] = (struct pollfd){ .fd = takes_input ? STDIN_FILENO : -1, .events = POLLIN };
	pollers[1] =
		(struct pollfd){ .fd = reads || writes ? terminal->master : -1, .events = (short)(reads | writes) };
	pollers[2] = (struct pollfd){ .fd = relay_is_empty(output) ? -1 : STDOUT_FILENO, .events = POLLOUT };
}

/*
 * As somebody at the keyboard would say it, termios(3): twice behind an unfinished line. For a
 * program that reads single bytes they are bytes like others.
 */
static void end_input(struct terminal *terminal)
{
	struct relay *input = &terminal->input;
	bool unfinished = input->end > 0 && input->buffer[input->end - 1] != '\n';
	struct termios modes;

	terminal->input_ended = true;
	if (tcgetattr(terminal->master, &modes) < 0)
		return;
	input->buffer[0] = input->buffer[1] = (char)modes.c_cc[VEOF];
	input->start = 0;
	input->end = unfinished ? 2 : 1;
}

/* Nobody reads any more. The command's processes get SIGHUP from the kernel. */
static void hang_up(struct terminal *terminal)
{
	terminal->master = close_fd(terminal->master);
	relay_clear(&terminal->input);
	relay_clear(&terminal->output);
}

static void relay_input(struct terminal *terminal, const struct pollfd pollers[TERMINAL_POLLFDS])
{
	int r;

	if (pollers[1].revents && !relay_is_empty(&terminal->input)) {
		r = relay_write(&terminal->input, terminal->master);
		if (r < 0 && r != -EAGAIN) {
			relay_clear(&terminal->input);
			terminal->input_ended = true;
		}
	} else if (pollers[0].revents && relay_read(&terminal->input, STDIN_FILENO) == 0) {
		end_input(terminal);
	}
}

static void relay_output(struct terminal *terminal, const struct pollfd pollers[TERMINAL_POLLFDS])
{
	int r;

	if (pollers[2].revents) {
		r = relay_write(&terminal->output, STDOUT_FILENO);
		if (r < 0 && r != -EAGAIN)
			hang_up(terminal);
	} else if (pollers[1].revents && relay_is_empty(&terminal->output)) {
		terminal->output_ended = relay_read(&terminal->output, terminal->master) == 0;
	}
}

void terminal_relay(struct terminal *terminal, const struct pollfd pollers[TERMINAL_POLLFDS])
{
	relay_input(terminal, pollers);
	relay_output(terminal, pollers);
}

void terminal_drain(struct terminal *terminal, int stall_ms)
{
	size_t drained = 0;

	terminal->input_ended = true;
	while (drained < DRAIN_MAX) {
		struct pollfd pollers[TERMINAL_POLLFDS];
		bool writes = !relay_is_empty(&terminal->output);

		relay_clear(&terminal->input);
		terminal_poll(terminal, pollers);
		/* a poll of the master first finishes what is on its way through the line discipline */
		if (poll(pollers, TERMINAL_POLLFDS, writes ? stall_ms : 0) <= 0)
			return;
		relay_output(terminal, pollers);
		if (!writes && relay_is_empty(&terminal->output))
			return;
		if (!writes)
			drained += terminal->output.end;
	}
}

void terminal_close(struct terminal *terminal)
{
	terminal_restore(terminal);
	terminal->master = close_fd(terminal->master);
	terminal->slave = close_fd(terminal->slave);
	free(terminal->name);
	terminal->name = NULL;
}
