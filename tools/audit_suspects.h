/* SPDX-License-Identifier: BSD-3-Clause OR GPL-2.0-or-later */
#pragma once

/* One process after another, in a pass over all. */

#include "tools/audit.h"
#include "tools/audit_logins.h"
#include "tools/holders.h"
#include "tools/members.h"

/* What a child says of a process: nothing is wrong with it, and, plus the number of a session, it is in that. */
enum { AUDIT_CLEAR = 1, AUDIT_CLEAR_IN = 2 };

struct audit_pass {
	struct look *look;
	struct members *members;
	pid_t *pids;
	size_t count;
	bool helps;    /* in a child: what is found, and whose user must be known, is left to who asks */
	uint32_t said; /* of one process by a child */
	struct holdings holdings;
	struct audit_logins logins;
	bool telling[NAMESPACE_KINDS]; /* kinds that some session has of its own */
};

/* No part of the process is on the host of what the session has to itself. `namespaces`: the telling ones at least. */
bool audit_is_whole(const struct look *look, const struct session *session, const uint64_t namespaces[NAMESPACE_KINDS]);

/* A member_visitor(): adds what is found of the process, and counts it in its session. `data` is the pass. */
int audit_judge(struct session *session, int process, void *data) _must_check_;
