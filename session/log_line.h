/* SPDX-License-Identifier: BSD-3-Clause OR GPL-2.0-or-later */
#pragma once

/* The lines that the module and nsrun(1) write to the system's log, in the form of pam_nsisolate(8). */

#include "session/client.h"

/* Who came how, raw: it is made fit for a log here. */
struct log_login {
	const char *user;
	const char *service;
	const char *remote_host;
};

/* "VERB: id=… user=… service=… rhost=… policy=… hash=… mode=… mnt=…"; malloced, NULL when memory ran out. */
char *log_line_session(const char *verb, const struct log_login *login, const struct session *session) _must_check_;

/* "VERB: user=… service=… rhost=…: TEXT", the form of every line that is not about a session. Likewise. */
char *log_line_login(const char *verb, const struct log_login *login, const char *text) _must_check_;
