/* SPDX-License-Identifier: BSD-3-Clause OR GPL-2.0-or-later */
#pragma once

/* The entries that the module and nsrun(1) write to the system's log, in the form of pam_nsisolate(8). */

#include "session/client.h"
#include "session/log_entry.h"

/* Who came how, raw: it is made fit for a log here. */
struct log_login {
	const char *user;
	const char *service;
	const char *remote_host;
};

/* "START: id=… user=… service=… rhost=… policy=… hash=… mode=… mnt=…". To be released. */
struct log_entry log_of_session(enum log_message message, const struct log_login *login, const struct session *session);

/* "START: user=… service=… rhost=…: TEXT", the form of every line that is not about a session. Likewise. */
struct log_entry log_of_login(enum log_message message, const struct log_login *login, const char *text);

/* "START: id=… user=… service=… rhost=…: ERROR", of a session whose end failed with that -errno. Likewise. */
struct log_entry log_of_failed_close(const struct log_login *login, const struct session *session, int error);
