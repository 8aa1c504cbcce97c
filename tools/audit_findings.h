/* SPDX-License-Identifier: BSD-3-Clause OR GPL-2.0-or-later */
#pragma once

/*
 * What an audit can find, as one table, and what it has found. A new kind of finding is an enumerator here, a row in
 * audit_codes.c, a row in nsinspect(1), and the function that adds it.
 */

#include "common/cleanup.h"

#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

enum finding_code {
	FINDING_OUTSIDE,
	FINDING_ELSEWHERE,
	FINDING_ENTERED,
	FINDING_NAMESPACES,
	FINDING_MOUNT,
	FINDING_LOOPBACK,
	FINDING_HOSTNAME,
	FINDING_PROPAGATION,
	FINDING_LIMITS,
	FINDING_SLIRP,
	FINDING_NETWORK,
	FINDING_INTERFACE,
	FINDING_PRIVILEGES,
	FINDING_POLICY_CHANGED,
	FINDING_AUDIT_MODE,
	FINDING_LINGERING,
	FINDING_CLOSING,
	FINDING_RECORD_LEFT,
	FINDING_RECORD_MISSING,
	FINDING_RECORD_INVALID,
	FINDING_KEPT,
	FINDING_PAM_NONE,
	FINDING_PAM_ABSENT,
	FINDING_PAM_CLOSE_CONTROL,
	FINDING_PAM_ODD_LINE,
	FINDING_PAM_INCLUDE,
	FINDING_PAM_LOOP,
	FINDING_PAM_SYNTAX,
	FINDING_PAM_UNFINISHED,
	FINDING_PAM_AMBIGUOUS,
	FINDING_PAM_CARRIAGE,
	FINDING_PAM_NO_OPEN,
	FINDING_PAM_NO_CLOSE,
	FINDING_PAM_NO_ROLE,
	FINDING_PAM_OPEN_NOT_LAST,
	FINDING_PAM_CLOSE_NOT_FIRST,
	FINDING_PAM_CONTROL,
	FINDING_PAM_SKIPPED,
	FINDING_PAM_SILENT,
	FINDING_PAM_TWICE,
	FINDING_PAM_MISSPELT,
	FINDING_PAM_ARGUMENT,
	FINDING_PAM_NAMESPACE,
	FINDING_PAM_DAMAGED,
	FINDING_PAM_MISSING,
	FINDING_PAM_POLICY,
	FINDING_PAM_GROUP,
	FINDING_SSHD_USEPAM,
	FINDING_SSHD_USEDNS,
	FINDING_SSHD_UNKNOWN,
	FINDING_POLICY_BROKEN,
	FINDING_UNSAFE,
	FINDING_ENGINE,
	FINDING_USER_MANAGER,
	FINDING_TIOCSTI,
	FINDING_VSOCK,
	FINDING_PTRACE,
	FINDING_LIMIT,
	FINDING_FIREWALL,
	FINDING_FORWARDING,
	FINDING_INTERFACE_LEFT,
	FINDING_CODES,
};

enum audit_severity { AUDIT_INFO, AUDIT_WARNING, AUDIT_CRITICAL };

struct finding_kind {
	const char *code; /* "NSI001": never another finding's, not even after this one is gone */
	const char *name;
	enum audit_severity severity;
	const char *remedy;
};

extern const struct finding_kind finding_kinds[FINDING_CODES];

const char *audit_severity_name(enum audit_severity severity);

/* Whom or what a finding is about. */
struct subject {
	const char *text; /* the same in every audit, so that a baseline can name it; may be hostile */
	const char *user; /* NULL: no user's */
	pid_t pid;        /* of a process, with its start time; 0: no process */
	uint64_t start;
	int64_t since;      /* audit_since.h; 0: not known */
	const char *remedy; /* NULL: that of the code. A child, audit_ahead.h, cannot say another */
};

struct finding {
	enum finding_code code;
	char *subject;
	char *user; /* or NULL */
	pid_t pid;
	uint64_t start;
	int64_t since; /* seconds since the epoch; 0: not known */
	char *seen;    /* one sentence; may hold hostile text */
	char *remedy;  /* or NULL: that of its code */
};

struct findings {
	struct finding *items;
	size_t count;
};

/* What to do about it. */
const char *finding_remedy(const struct finding *finding);

/* 0 or -ENOMEM. */
int findings_add(struct findings *list, enum finding_code code, const struct subject *subject, const char *format, ...)
	_printf_(4, 5) _must_check_;
int findings_add_va(struct findings *list, enum finding_code code, const struct subject *subject, const char *format,
		    va_list args) _printf_(4, 0) _must_check_;

/* Leaves out what the other list has not: of a process the same code, else the same code and subject. Sorts both. */
void findings_intersect(struct findings *list, struct findings *other);

/* Moves everything of `other` to the list. 0 or -ENOMEM. */
int findings_move(struct findings *list, struct findings *other) _must_check_;

/* Leaves out those for which `keep` is false. */
void findings_filter(struct findings *list, bool (*keep)(const struct finding *finding, const void *data),
		     const void *data);

/* By code, subject and pid, and each once. */
void findings_sort(struct findings *list);
void findings_release(struct findings *list);
