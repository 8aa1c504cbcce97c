/* SPDX-License-Identifier: BSD-3-Clause OR GPL-2.0-or-later */
#pragma once

/*
 * One entry of the system's log, as it is put together: the line "NSL001 session opened: id=… user=…", and the same
 * words as fields of the journal. Neither can be forged by what others chose, log_text.h.
 */

#include "common/cleanup.h"
#include "session/log_messages.h"

#include <stdbool.h>
#include <stdint.h>

struct log_entry {
	const struct log_message_kind *kind;
	int priority; /* the kind's, unless changed */
	char *line;   /* so far; malloced, or NULL: there was no memory */
	char *fields; /* likewise, "NSISOLATE_ID=…\nNSISOLATE_USER=…\n" */
};

void log_entry_begin(struct log_entry *entry, enum log_message message);

/* KEY=value, in lower case; as a field NSISOLATE_KEY, unless it is empty, which the line has as "-". */
void log_entry_word(struct log_entry *entry, const char *key, const char *value);

/* The same of a longer value, such as a command: log_value(). */
void log_entry_value(struct log_entry *entry, const char *key, const char *value);

/* Not in the line, which says it in another way. Needs no care. */
void log_entry_field(struct log_entry *entry, const char *key, const char *value);

/* Of what needs no care: numbers, and words of our own. */
void log_entry_plain(struct log_entry *entry, const char *key, const char *format, ...) _printf_(3, 4);

/* " pid=4026532201"; the field is NSISOLATE_NS_PID, since other words are named like namespaces. */
void log_entry_namespace(struct log_entry *entry, const char *name, uint64_t inode);

/* Ends the line with ": TEXT", and is the field NSISOLATE_REASON. NULL: out of memory. */
void log_entry_reason(struct log_entry *entry, const char *text);

/* The line. Without memory for it at least its start. */
const char *log_entry_line(const struct log_entry *entry);

void log_entry_release(struct log_entry *entry);
