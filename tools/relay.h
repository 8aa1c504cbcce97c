/* SPDX-License-Identifier: BSD-3-Clause OR GPL-2.0-or-later */
#pragma once

/* One direction of bytes between two descriptors, for a poll(2) loop: never blocks for more than what poll promised. */

#include "common/cleanup.h"

#include <stdbool.h>

/* What poll(2) calls writable takes this much from a blocking writer: PIPE_BUF. */
#define RELAY_SIZE 4096

struct relay {
	char buffer[RELAY_SIZE];
	size_t start; /* of what was read and is not written yet */
	size_t end;
};

static inline bool relay_is_empty(const struct relay *relay)
{
	return relay->start == relay->end;
}

static inline void relay_clear(struct relay *relay)
{
	relay->start = relay->end = 0;
}

/* Fills an empty relay by one read(2). 1; 0: end of input, or there is nothing more to read; -EAGAIN. */
int relay_read(struct relay *relay, int fd) _must_check_;

/* Writes what is there by one write(2). 0; -EAGAIN; or -errno: nobody reads any more. */
int relay_write(struct relay *relay, int fd) _must_check_;
