/* SPDX-License-Identifier: BSD-3-Clause OR GPL-2.0-or-later */
#pragma once

/* What the kernel says of the processes that one record names. */

#include "tools/sessions.h"

/* A reader of records. */
struct session_reader {
	const char *directory;
	enum sessions_look look;
	uint64_t pid_namespace;  /* its own */
	uint64_t user_namespace; /* of its PID 1 */
};

/* Fills namespaces, seen and login. The state, but for what depends on the logins in it. */
enum session_state session_judge(const struct session_reader *reader, struct session *session);

/* Of a login in a session that has been judged. */
enum login_state session_ask_login(const struct session_reader *reader, const struct session *session,
				   const struct record_view *view);

/* Whether the init is where the record says, in as many namespaces as that has. */
bool session_matches_record(const struct session *session);
