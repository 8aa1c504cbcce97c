/* SPDX-License-Identifier: BSD-3-Clause OR GPL-2.0-or-later */
#pragma once

/* The init's report of protocol.h: the session is ready, or which step failed on what. */

#include "session/protocol.h"

struct report {
	int error; /* 0: ready; else a negative errno, and: */
	const char *step;
	const char *object; /* what the step was about, "" for nothing */
};

void report_encode(const struct report *report, struct message *message);

/* Fills a report whose strings point into the message. 0 or -EBADMSG. */
int report_decode(const struct message *message, struct report *ret) _must_check_;
