/* SPDX-License-Identifier: BSD-3-Clause OR GPL-2.0-or-later */
#pragma once

/*
 * A terminal of its own for a command, pty(7), and the caller's terminal in raw mode meanwhile. Made before
 * the session is entered, on the host's devpts.
 */

#include "tools/relay.h"

#include <poll.h>
#include <sys/types.h>
#include <termios.h>

struct terminal {
	int master; /* O_NONBLOCK */
	int slave;
	char *name;           /* of the slave: "/dev/pts/3" */
	struct relay input;   /* standard input → master */
	struct relay output;  /* master → standard output */
	bool input_ended;     /* and the command was told */
	bool output_ended;    /* no process has the slave any more */
	bool has_outer;       /* standard input is a terminal */
	bool raw;             /* and is in raw mode now */
	struct termios outer; /* as it was */
};

/* The slave belongs to `uid`. *ret is to be closed in any case. 0 or -errno. */
int terminal_open(struct terminal *ret, uid_t uid) _must_check_;

/* The caller's terminal to raw mode and back; nothing without one. */
void terminal_raw(struct terminal *terminal);
void terminal_restore(struct terminal *terminal);

/* The window of the caller's terminal becomes that of the command's, which is told by SIGWINCH. */
void terminal_resize(const struct terminal *terminal);

/* In the parent, once the command has the slave. */
void terminal_close_slave(struct terminal *terminal);

/* What to wait for by poll(2) and what to do then. */
#define TERMINAL_POLLFDS 3
void terminal_poll(const struct terminal *terminal, struct pollfd pollers[TERMINAL_POLLFDS]);
void terminal_relay(struct terminal *terminal, const struct pollfd pollers[TERMINAL_POLLFDS]);

/*
 * Passes on what the command has written until its end, a bounded amount: others may still be writing. Gives up when
 * standard output takes nothing for `stall_ms`, or with -1 never; then it can be called again.
 */
void terminal_drain(struct terminal *terminal, int stall_ms);

/* Restores, too. */
void terminal_close(struct terminal *terminal);
