/* SPDX-License-Identifier: BSD-3-Clause OR GPL-2.0-or-later */
#pragma once

/*
 * Entries with fields in systemd's journal, by the protocol of its socket: https://systemd.io/JOURNAL_NATIVE_PROTOCOL/.
 * By libc alone and without any state, since a PAM module is one that writes them. Only where /dev/log is the
 * journal's: there the daemon that would get the line by syslog(3) gets the entry in its place, and forwards it as it
 * would the line. A journal that takes nothing is waited for half a second.
 */

#include "session/log_entry.h"

struct journal {
	int fd; /* -1: there is none, or it does not have the log */
};

/* Connects: while it is open it does not matter what is mounted where. */
struct journal journal_open(void);

/*
 * The message is `prefix`, which may be "", and the line; `prefix` is fit for a log. The sender is the process, with
 * the uid of root that it acts with: under su(1) its real uid is that of the invoking user, and an entry of theirs
 * would look the same. False: the line is to go to syslog(3).
 */
bool journal_send(const struct journal *journal, const char *identifier, const char *prefix,
		  const struct log_entry *entry) _must_check_;

void journal_close(struct journal *journal);
