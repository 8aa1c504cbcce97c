/* SPDX-License-Identifier: BSD-3-Clause OR GPL-2.0-or-later */
#pragma once

/*
 * The login process's side: ask the helper for a session, enter it, leave it.
 * Lives inside foreign programs, so: libc only, no static state, every descriptor
 * O_CLOEXEC, every wait bounded, signal dispositions and mask given back, nothing logged.
 */

#include "session/request.h"

/* A session that this process has entered. */
struct session {
	char id[SESSION_ID_LENGTH + 1];
	char login[LOGIN_ID_LENGTH + 1]; /* of this login, when it joined a session that was there; else "" */
	bool shared;                     /* the session may go on without this login */
	bool gone_on;                    /* session_leave() found that it does */
	uid_t uid;
	char *user; /* pw_name */
	char *policy;
	char *mode;
	char *notice; /* of the policy, for the user; "": nothing */
	uint64_t policy_hash;
	unsigned clone_flags;
	struct privileges privileges; /* given up, and not to be had back */
	uint64_t namespaces[NAMESPACE_KINDS];
	bool *opener; /* true in the process that entered; in every fork of it the page is zero: madvise(2) */
	int init_pidfd;
	int outside[NAMESPACE_KINDS]; /* the namespaces that it came from, or -1 */
};

/*
 * Starts the helper, hands it the request (caller and caller_pidfd are
 * filled here, flags completed) and waits for its answer, at most CLIENT_TIMEOUT_MS (helper_ask.h). Returns an enum
 * outcome; with OUTCOME_OPENED the process has entered the session and *ret_session is set. With every other outcome it
 * is where it was, and nothing is left behind. *ret_text: one line for the log, malloced; NULL where there is nothing
 * to say or no memory.
 */
enum outcome session_enter(const struct session_request *request, const char *helper, struct session **ret_session,
			   char **ret_text) _must_check_;

/*
 * Ends the login, and with it the session unless others are in it or its policy has it wait for its processes: back
 * into the outside namespaces, then its init is killed or told, and waited for as long as
 * that cannot deadlock, then what ended loses its record. 0, or the first -errno; the rest is done all
 * the same. Only if session_is_own().
 */
int session_leave(struct session *session);

/*
 * True in the process that entered the session, false in its forks: a copy of this structure must not end the
 * session. Not decided by pid: a child in the new PID namespace may have the number of its parent outside.
 */
bool session_is_own(const struct session *session) _must_check_;

/* True in mode audit: the process has gone nowhere, and the session is a record that says what would have been. */
bool session_is_audit(const struct session *session) _must_check_;

/* Releases memory and descriptors only. Accepts NULL. */
struct session *session_free(struct session *session);
