/* SPDX-License-Identifier: BSD-3-Clause OR GPL-2.0-or-later */
#include "tools/nsrun_wait.h"

#include "tools/command_exit.h"

#include <string.h>

#define DRAIN_STALL_MS 100

int nsrun_wait(pid_t pid, const struct signals *signals, struct terminal *terminal)
{
	const struct streams streams = { .terminal = terminal };
	int status = 0;
	int r;

	if (pid < 0)
		return command_fail("step command: %s", strerror(-pid));
	if (terminal) {
		terminal_close_slave(terminal);
		terminal_raw(terminal);
	}
	r = supervise(pid, signals, &streams, &status);
	if (r < 0) {
		(void)kill(pid, SIGKILL);
		return command_fail("step wait: %s", strerror(-r));
	}
	return status_of(status);
}

/* First as it came, then, should nobody take it, for as long as nobody ends us. */
void nsrun_finish(struct signals *signals, struct terminal *terminal)
{
	terminal_drain(terminal, DRAIN_STALL_MS);
	terminal_restore(terminal);
	signals_release(signals);
	terminal_drain(terminal, -1);
}
