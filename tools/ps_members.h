/* SPDX-License-Identifier: BSD-3-Clause OR GPL-2.0-or-later */
#pragma once

/* The processes that nsinspect ps shows: those of sessions, and those outside that are in a session with a part. */

#include "tools/holders.h"
#include "tools/inspect_sessions.h"
#include "tools/process_info.h"

/* The way by which a process came into its session. */
enum entry {
	ENTRY_UNKNOWN, /* its parent has ended, and nothing tells any more */
	ENTRY_LOGIN,
	ENTRY_OUTSIDE, /* by nsenter(1) and the like */
};

struct ps_member {
	struct process_info info;
	struct session *session;     /* the innermost that it is in */
	const struct session *group; /* the outermost: with those nested in it one tree */
	pid_t parent_pid;            /* inside the session; 0: the parent is not in it */
	size_t level;                /* how deep below the reader's the session's PID namespace lies */
	bool partly;                 /* it is on the host with some namespaces of which the session has its own */
	enum entry entry;
	struct libscols_line *line;
	bool adding; /* its ancestors are being added: a loop in what was read ends here */
};

struct ps_members {
	struct ps_member *items;
	size_t count;
	const struct session *only; /* NULL: of every session */
	struct whose whose;
	const struct sessions *sessions;
	struct holdings holdings;
};

/* `only`, `whose` and `sessions` are set: fills the rest, sorted by group and host's pid. 0 or -errno. */
int ps_collect(struct ps_members *members) _must_check_;
void ps_release(struct ps_members *members);

/* A process of a group by the host's pid; NULL. */
struct ps_member *ps_find(const struct ps_members *members, const struct session *group, pid_t pid);

/* By its parent, whose own is known, or NULL for one that is not shown. */
enum entry ps_find_entry(const struct ps_member *member, const struct ps_member *parent);
