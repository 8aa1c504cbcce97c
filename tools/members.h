/* SPDX-License-Identifier: BSD-3-Clause OR GPL-2.0-or-later */
#pragma once

/*
 * Which processes are in which session, in one pass over /proc. A session
 * with a PID namespace has the processes of that namespace and of those below
 * it; one without has whoever shares one of its other namespaces. A process is in the innermost session of which
 * this is so.
 */

#include "common/cleanup.h"
#include "tools/sessions.h"

#include <sys/types.h>

/* Called for each process of a session with its directory in /proc; negative stops the pass. */
typedef int (*member_visitor)(struct session *session, int process, void *data);

/* 0, what the visitor returned, or -errno. A process that ends meanwhile is left out. */
int members_visit(const struct sessions *sessions, member_visitor visit, void *data) _must_check_;

/* The same for every process of the host: the visitor gets NULL for one that is in no session. */
int members_visit_all(const struct sessions *sessions, member_visitor visit, void *data) _must_check_;

/* Who is asked about one process after another, as they are listed. -errno. */
struct members;
int members_open(const struct sessions *sessions, struct members **ret) _must_check_;
struct members *members_close(struct members *members);
static inline void members_closep(struct members **members)
{
	*members = members_close(*members);
}

/* The pids of all processes that there are; *ret is malloced. -errno. */
int members_list(const struct members *members, pid_t **ret, size_t *ret_count) _must_check_;

/* As members_visit_all(), of one process. */
int members_visit_one(struct members *members, pid_t pid, member_visitor visit, void *data) _must_check_;

/*
 * The session, or NULL, of a process in these namespaces, of which none may be 0. False: it is in a PID namespace that
 * is no session's, and only the kernel knows within which that is.
 */
bool members_find(const struct members *members, const uint64_t namespaces[NAMESPACE_KINDS],
		  struct session **ret) _must_check_;

/* Fills `processes` of every session, with those of sessions nested in it. */
int members_count(const struct sessions *sessions) _must_check_;

/* For a visitor that counts on its way: one more in the session, or NULL, and in those around it. */
void members_add(struct session *session);
