/* SPDX-License-Identifier: BSD-3-Clause OR GPL-2.0-or-later */
#pragma once

/* The system's log, as the tools write it: the journal with its fields, or syslog(3); and the kernel's audit. */

#include "session/journal.h"
#include "tools/kernel_audit.h"

struct system_log {
	const char *identifier;
	struct journal journal;
	struct kernel_audit audit;
};

/* For what may be closed before it was opened. */
#define SYSTEM_LOG_NONE                          \
	{                                        \
		.journal.fd = -1, .audit.fd = -1 \
	}

/*
 * Opens the connection: while it lasts it does not matter what is mounted where. 0; or -errno when there is nobody to
 * log to, and *ret can be used all the same.
 */
int system_log_open(struct system_log *ret, const char *identifier);

/* Releases the entry. */
void system_log_write(const struct system_log *log, struct log_entry entry);

/* Says on standard error when there is no record of it for another reason than that nobody wants any. */
void system_log_audit(const struct system_log *log, const struct audit_event *event);

void system_log_close(struct system_log *log);
