/* SPDX-License-Identifier: BSD-3-Clause OR GPL-2.0-or-later */
#pragma once

/*
 * Records beside what the kernel says of the processes that they name: sessions, the logins
 * in each, and which is nested in which.
 */

#include "common/cleanup.h"
#include "session/record.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

enum session_state {
	SESSION_ACTIVE,
	SESSION_WOULD_ISOLATE, /* mode audit: the login is on the host, and the record says what would have been */
	SESSION_LINGERING,     /* on-logout = "wait": no login is in it any more, processes are */
	SESSION_CHANGED,       /* the init's namespaces are not those that the record tells, as far as was looked */
	SESSION_CLOSING,       /* no login is in it any more, the init is still there */
	SESSION_UNKNOWN,       /* alive, but the kernel does not show its init to this reader */
	SESSION_ENDED,         /* nobody holds the lock */
	SESSION_INVALID,       /* the file is no record */
	SESSION_STATES,
};

enum login_state {
	LOGIN_RUNNING,
	LOGIN_GONE,    /* no process of that pid and start time, or a zombie; or the init knows that it left */
	LOGIN_ENDED,   /* of a login that joined: nobody holds the lock, or another than the session's init */
	LOGIN_UNKNOWN, /* not asked, or not readable */
};

/* A login that joined a session. */
struct session_login {
	struct record_view view;
	enum login_state state;
};

struct session {
	struct record_view view; /* with the login that opened it */
	enum session_state state;
	enum login_state login;
	bool seen;                            /* namespaces and apart are filled */
	uint64_t namespaces[NAMESPACE_KINDS]; /* the init's, from the kernel; 0: not known */
	bool apart[NAMESPACE_KINDS];          /* neither that of the reader's PID 1 nor of a session around it */
	size_t processes;                     /* filled by whoever counts; those of sessions within it, too */

	struct session_login *logins; /* that joined, sorted by name */
	size_t login_count;
	size_t logins_alive; /* with the one that opened it */

	bool inside;           /* its record was written inside another session, by whoever is root there */
	bool foreign_pids;     /* the login processes' pids are of another PID namespace than the reader's */
	const char *cut;       /* why not all that is nested in it is known; NULL: it is */
	struct session *outer; /* the one that it is nested in; NULL: the reader's */
	size_t depth;          /* 0: the reader's */
	size_t number;         /* its index among the items */
	struct session *inner; /* the first that is nested in it, or NULL */
	struct session *next;  /* the next that is nested in the same one, or NULL */
};

struct sessions {
	struct session **items; /* each followed by those nested in it; else sorted by name */
	size_t count;
	uint64_t host[NAMESPACE_KINDS]; /* the reader's PID 1, or the reader itself where that is not readable */
	int64_t ahead;                  /* seconds by which the reader's boot clock is ahead of the machine's */
};

/* Makes the start times of a record what the reader finds in /proc. */
void sessions_shift(const struct sessions *sessions, struct record_view *view);

const char *session_state_name(enum session_state state);
const char *login_state_name(enum login_state state);

/* True for a session whose lock is held, whatever else is wrong with it. */
static inline bool session_is_alive(const struct session *session)
{
	return session->view.alive && session->state != SESSION_ENDED;
}

/*
 * True for a session in a network namespace that was there before it and is others', too: network.mode "named". What a
 * record from inside says of that is root's there to write.
 */
static inline bool session_shares_network(const struct session *session)
{
	return session->view.valid && !session->inside && strcmp(session->view.record.network, "named") == 0;
}

/* True for a session that is `outer`, or nested in it however deep. */
static inline bool session_is_within(const struct session *session, const struct session *outer)
{
	while (session && session != outer)
		session = session->outer;
	return session != NULL;
}

/* True for a login that is in its session, as far as can be told. */
static inline bool login_is_alive(enum login_state state)
{
	return state == LOGIN_RUNNING || state == LOGIN_UNKNOWN;
}

/* How much the kernel is asked about each session. */
enum sessions_look {
	LOOK_WHOLE, /* every namespace of its init, and every login process by pid and start time */
	/*
	 * Of a sealed init its user namespace, and of each login process that there is one of its pid. Of another init
	 * the namespaces that the record says are its own, and of each login process that one of its pid is in the
	 * session's mounts. Kinds that the record does not name are not known. A session that is not as recorded is
	 * looked at as a whole.
	 */
	LOOK_BRIEF,
};

/*
 * Reads the records in a directory and asks the kernel about each; root's reading adds the sessions within them.
 * 0 or -errno.
 */
int sessions_read(const char *directory, enum sessions_look look, struct sessions *ret) _must_check_;
void sessions_release(struct sessions *sessions);

/*
 * Whether a session that was seen still is: then its namespaces had their numbers all the time, which the kernel gives
 * to others as soon as they are free. What was read of its processes meanwhile holds only then.
 */
bool session_still_is(const struct session *session);

/*
 * The reader's pid of the login process that a record of this session names, or 0. Of a session nested in another it is
 * looked for among the processes in that one's PID namespace.
 */
pid_t session_login_pid(const struct session *session, const struct record *record);

/*
 * The session whose id starts with `id`, or of which that is a login's id; OUTER/ID is one within another. Live ones
 * come before ended ones. 0; -ENOENT; -ENOTUNIQ with *ret_matches (malloced "ID, OUTER/ID").
 */
int sessions_find(const struct sessions *sessions, const char *id, struct session **ret,
		  char **ret_matches) _must_check_;
