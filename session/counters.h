/* SPDX-License-Identifier: BSD-3-Clause OR GPL-2.0-or-later */
#pragma once

/*
 * What came of logins since boot, counted by the login processes themselves (PAM module, nsrun) in one small file on
 * the host, root's alone. The kernel does each addition, atomically and in shared memory: no lock, no wait, and nothing
 * half done whoever is killed when. Counting never fails a login: every error is passed over, and costs the count.
 *
 * The file is COUNTERS_SIZE bytes: COUNTERS_MAGIC, padded with zeros to COUNTERS_HEADER_SIZE, then a 32-bit number in
 * the machine's order for each enum counter. New counters go at the end, where older files have zeros; anything else is
 * another version and another file, so that programs of several versions count at once.
 */

#include "session/protocol.h"

#define COUNTERS_NAME        "counters.1"
#define COUNTERS_MAGIC       "nsisolate counters 1\n"
#define COUNTERS_HEADER_SIZE 64
#define COUNTERS_SIZE        4096

/* The order is that of the file: never changed, only added to. */
enum counter {
	COUNTER_OPENED,
	COUNTER_JOINED,
	COUNTER_WOULD_ISOLATE, /* mode audit: a record was made */
	COUNTER_REFUSED_POLICY,
	COUNTER_REFUSED_NO_POLICY,
	COUNTER_REFUSED_DENIED,
	COUNTER_REFUSED_LIMIT,
	COUNTER_REFUSED_FAILED,
	COUNTER_PASSED_ROOT,
	COUNTER_PASSED_EXEMPT,
	COUNTER_PASSED_OFF,
	COUNTER_PASSED_NO_POLICY,
	COUNTER_PASSED_SYSTEM_USER,
	COUNTER_PASSED_USER_MANAGER,
	COUNTER_PASSED_AUDIT, /* mode audit, and the login would have been refused */
	COUNTER_CLOSED_ENDED, /* the session ended with the login */
	COUNTER_CLOSED_LEFT,  /* the session went on */
	COUNTER_CLOSED_FAILED,
	COUNTERS,
};

/* The mapped file; all zero is one that was not looked for yet. */
struct counters {
	bool tried;
	uint32_t *numbers; /* NULL: it cannot be had */
};

/*
 * Maps the file, made when it is missing. Before a login process enters a session, since inside one the path leads
 * elsewhere. Where /run/nsisolate is a file system of its own, as inside sessions, nothing is counted: whoever is root
 * there has no say in the host's numbers.
 */
void counters_open(struct counters *counters);

/* Adds one, after counters_open() if that has not been called. */
void counters_add(struct counters *counters, enum counter counter);

/* counters_open(), counters_add() and counters_release(). */
void counters_add_once(enum counter counter);

/* What a helper's answer other than OUTCOME_OPENED counts as; `optional`: who has no policy is passed. */
enum counter counter_of_outcome(enum outcome outcome, bool optional);

/* Tolerates anything, a second call too. */
void counters_release(struct counters *counters);
