/* SPDX-License-Identifier: BSD-3-Clause OR GPL-2.0-or-later */
#pragma once

/*
 * Reality against policy. What lives is looked at several times over a few seconds, and a finding about it stands
 * if every look makes it: processes and sessions come and go meanwhile. A look reads the records again, and /proc once.
 */

#include "session/inside.h"
#include "tools/audit_findings.h"
#include "tools/audit_reach.h"
#include "tools/audit_services.h"
#include "tools/audit_since.h"
#include "tools/audit_users.h"
#include "tools/audit_verdicts.h"
#include "tools/mounts.h"
#include "tools/sessions.h"
#include "tools/task_facts.h"

struct audit {
	const char *record_directory;
	const char *sysctl_directory;
	int64_t started;    /* monotonic milliseconds */
	int64_t configured; /* audit_configured() */
	int64_t since;      /* of --since */
	char **held_up;     /* names of sessions in which a look was held up: no other looks into them */
	bool hurried;       /* the looks follow each other soon: for tests, on hosts where nothing comes and goes */
	struct audit_services services;
	struct audit_users users;
	struct audit_reach reach;
};

/* What does not come and go, and is read once. Each adds what it finds; audit_policies(), the first, fills `reach`. */
int audit_policies(struct audit *audit, struct findings *findings) _must_check_;
int audit_files(struct audit *audit, struct findings *findings) _must_check_;
int audit_stacks(struct audit *audit, struct findings *findings) _must_check_;
int audit_sshd(struct audit *audit, struct findings *findings) _must_check_;
int audit_escapes(struct audit *audit, struct findings *findings) _must_check_;

/* One look. */
struct look {
	struct audit *audit;
	struct sessions sessions;
	struct mount_list mounts; /* of the host's PID 1 */
	struct findings findings;
	struct task_facts_reader reader; /* of these, from the start of the look: */
	struct task_facts facts;         /* what the kernel tells of the processes, or nothing */
	struct inside_request *insides;  /* once somebody has asked in sessions, of those that can be */
	size_t inside_count, inside_room;
	struct audit_verdicts verdicts; /* of the logins that opened them */
	uint32_t engines_absent;        /* a bit an engine: of that nothing is there in the session in question */
	struct audit_ahead *ahead;      /* what children have found of them; NULL: none has looked */
};

/* Each adds what it finds. 0 or -errno: memory or descriptors ran out, or /proc cannot be read. */
int audit_sessions(struct look *look) _must_check_;
int audit_processes(struct look *look) _must_check_;
int audit_limits(struct look *look) _must_check_;
int audit_network(struct look *look) _must_check_;

/*
 * What takes long of the sessions, and goes by paths that are theirs to make, is looked at by children of
 * audit_processes(), before audit_sessions() takes over what they have found.
 */
int audit_ahead_prepare(struct look *look) _must_check_;
void audit_ahead_release(struct look *look);

/* In a child: one session, of those up to `end` that it looks at. */
void audit_sessions_ahead(struct look *look, size_t number, size_t end);

/* The child was held up in this session: it is not looked into any more, and whoever typed the command is told.
 * -ENOMEM. */
int audit_sessions_give_up(struct look *look, size_t number) _must_check_;

/* What a session hides of an engine is not there: nor is the socket. For audit_engine_of(), which comes after. */
void audit_engine_is_absent(struct look *look, const char *hidden);

/* Whether one session leads to engines. 0 or -ENOMEM, -EMFILE, -ENFILE. */
int audit_engine_of(struct look *look, const struct session *session) _must_check_;

/* Whether the host forwards what the policy of a live session with a network lets through. Likewise. */
int audit_forwarding(struct look *look, const struct session *session, const struct policy *policy) _must_check_;

/* A number below the directory: "kernel/pid_max". False where there is none. */
bool audit_sysctl_read(const char *directory, const char *name, uint64_t *ret);
