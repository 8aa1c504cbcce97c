/* SPDX-License-Identifier: BSD-3-Clause OR GPL-2.0-or-later */
#pragma once

/* Records beside what the kernel says of the processes that they name. */

#include "common/cleanup.h"
#include "session/record.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum session_state {
	SESSION_ACTIVE,
	SESSION_WOULD_ISOLATE, /* mode audit: the login is on the host, and the record says what would have been */
	SESSION_CHANGED,       /* the init's namespaces are not those that the record tells */
	SESSION_CLOSING,       /* the login process is gone, the init is still there */
	SESSION_UNKNOWN,       /* alive, but the kernel does not show its init to this reader */
	SESSION_ENDED,         /* nobody holds the lock */
	SESSION_INVALID,       /* the file is no record */
	SESSION_STATES,
};

enum login_state {
	LOGIN_RUNNING,
	LOGIN_GONE,    /* no process of that pid and start time, or a zombie */
	LOGIN_UNKNOWN, /* not asked, or not readable */
};

struct session {
	const struct record_view *view;
	enum session_state state;
	enum login_state login;
	bool seen;                            /* namespaces and apart are filled */
	uint64_t namespaces[NAMESPACE_KINDS]; /* the init's, from the kernel */
	bool apart[NAMESPACE_KINDS];          /* differs from that of the reader's PID 1 */
	size_t processes;                     /* filled by whoever counts */
};

struct sessions {
	struct record_list records;
	struct session *items; /* one a record, in the same order */
	size_t count;
	uint64_t host[NAMESPACE_KINDS]; /* the reader's PID 1, or the reader itself where that is not readable */
};

const char *session_state_name(enum session_state state);
const char *login_state_name(enum login_state state);

/* True for a session whose lock is held, whatever else is wrong with it. */
static inline bool session_is_alive(const struct session *session)
{
	return session->view->alive && session->state != SESSION_ENDED;
}

/* Reads the records in a directory and asks the kernel about each. 0 or -errno. */
int sessions_read(const char *directory, struct sessions *ret) _must_check_;
void sessions_release(struct sessions *sessions);

/*
 * The session whose id starts with `prefix`; live ones come before ended
 * ones. 0; -ENOENT; -ENOTUNIQ with *ret_matches (malloced "ID, ID").
 */
int sessions_find(const struct sessions *sessions, const char *prefix, struct session **ret,
		  char **ret_matches) _must_check_;
