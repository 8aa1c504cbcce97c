/* SPDX-License-Identifier: BSD-3-Clause OR GPL-2.0-or-later */
#pragma once

/*
 * Standard streams of its own for a command, pipe(7), and the bytes between them and the caller's: so the command has
 * no descriptor that the caller has.
 */

#include "tools/relay.h"

#include <poll.h>
#include <sys/types.h>

#define PIPES 3

struct pipes {
	int ours[PIPES];   /* of input the end to write to, of output and error that to read from; O_NONBLOCK */
	int theirs[PIPES]; /* the other ones */
	struct relay relays[PIPES]; /* by the number of the stream */
	bool sources_ended[PIPES];
};

/* Of none yet: what pipes_close() accepts. */
extern const struct pipes pipes_none;

/* They belong to `uid`, who may open them by /dev/stdin and its like. *ret is to be closed in any case. 0 or -errno. */
int pipes_open(struct pipes *ret, uid_t uid) _must_check_;

/* In the parent, once the command has them. */
void pipes_close_theirs(struct pipes *pipes);

/* What to wait for by poll(2) and what to do then. */
#define PIPES_POLLFDS (2 * PIPES)
void pipes_poll(const struct pipes *pipes, struct pollfd pollers[PIPES_POLLFDS]);
void pipes_relay(struct pipes *pipes, const struct pollfd pollers[PIPES_POLLFDS]);

/*
 * After the command's end: passes on what it has written, a bounded amount, for others may still be writing. Waits for
 * as long as nobody takes it.
 */
void pipes_drain(struct pipes *pipes);

void pipes_close(struct pipes *pipes);
