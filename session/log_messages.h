/* SPDX-License-Identifier: BSD-3-Clause OR GPL-2.0-or-later */
#pragma once

/*
 * The catalogue of what is written to the system's log, by the module and by the tools. Monitoring goes by the ids: one
 * is never given another meaning, nor again when its message is gone (tests/data/log-messages). pam_nsisolate(8) has
 * the table, and packaging/nsisolate.catalog the text of journalctl(1) -x.
 */

#include "session/protocol.h"

#define LOG_ID_LENGTH 6

enum log_message {
	LOG_SESSION_OPENED,
	LOG_SESSION_JOINED,
	LOG_SESSION_CLOSED,
	LOG_SESSION_LEFT,
	LOG_CLOSE_FAILED,
	LOG_SESSION_KILLED,
	LOG_SESSION_ENTERED,
	LOG_ENTERING_ENDED,
	LOG_WOULD_ISOLATE,
	LOG_WOULD_REFUSE,
	LOG_AUDIT_NOT_KEPT,
	LOG_REFUSED_POLICY,
	LOG_REFUSED_NO_POLICY,
	LOG_REFUSED_FAILED,
	LOG_DENIED_POLICY,
	LOG_DENIED_LIMIT,
	LOG_PASSED_ROOT_ANYWAY,
	LOG_PASSED_ROOT,
	LOG_PASSED_EXEMPT,
	LOG_PASSED_OFF,
	LOG_PASSED_SYSTEM_USER,
	LOG_PASSED_USER_MANAGER,
	LOG_PASSED_NO_POLICY,
	LOG_OPENED_BEFORE,
	LOG_REFUSED_BEFORE,
	LOG_AUDIT,
	LOG_MESSAGES,
};

struct log_message_kind {
	const char *start;      /* of the line: "NSL001 session opened", the id being LOG_ID_LENGTH bytes of it */
	const char *message_id; /* of the journal: 32 hexadecimal digits, systemd.journal-fields(7) */
	int priority;           /* of syslog(3) */
};

extern const struct log_message_kind log_messages[LOG_MESSAGES];

/* What is logged of a login that gets no session; `optional` as on the module's line. Not for OUTCOME_OPENED. */
enum log_message log_message_of_outcome(enum outcome outcome, bool optional);
