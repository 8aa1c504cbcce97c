/* SPDX-License-Identifier: BSD-3-Clause OR GPL-2.0-or-later */
#pragma once

/* What the policies say of a login, found the way the module and its helper find it. */

#include "common/cleanup.h"
#include "config/decide.h"
#include "session/plan.h"

#include <stdbool.h>

enum verdict_outcome {
	VERDICT_POLICY,      /* policy is set */
	VERDICT_ROOT,        /* uid 0 without user/root.conf: passed before any policy is read */
	VERDICT_SYSTEM_USER, /* 0 < uid < UID_MIN without a user file: passed */
	VERDICT_NONE,        /* no file is theirs: refused, unless the module line says "optional" */
	VERDICT_REFUSED,     /* something is broken: problem says what */
	VERDICT_OUTCOMES,
};

struct verdict {
	enum verdict_outcome outcome;
	struct identity identity;
	struct candidates candidates;
	struct policy *policy;
	char *problem; /* one line, escaped; of VERDICT_ROOT why a user/root.conf cannot be looked for, or NULL */
	char *broken;  /* the file in which the problem is, or NULL */
	char *group;   /* the primary group's name, once verdict_keep() has asked; or NULL */
	int directory; /* the open policy directory, or -1 */
	uid_t uid_min;
};

/* What is the same for all whom one directory decides about. */
struct verdict_place {
	int directory; /* the open policy directory */
	uid_t uid_min;
};

struct verdict_query {
	const char *directory; /* NULL: the live policy directory */
	const char *file;      /* or this one policy file, which decides for everyone; NULL */
	bool any_owner;        /* of that file */
	bool own;              /* that file may be the caller's own */
	const char *user;
	const char *service;
	const char *from;
	const struct verdict_place *place; /* where those before were found; NULL: all is opened and read anew */
};

/* 0; -ENOENT: no such user; -EINVAL: no name of a user; or the error of NSS. *ret is to be released in any case. */
int verdict_find(const struct verdict_query *query, struct verdict *ret) _must_check_;
void verdict_release(struct verdict *verdict);

/*
 * Prepares a verdict that was found to be kept beside many others, and to make many plans of: gives up what is open,
 * after which verdict_try() is not for it, and asks once for what every plan needs. 0 or -ENOMEM.
 */
int verdict_keep(struct verdict *verdict) _must_check_;

/* What it means for a login: "isolated", "passed: …", "refused: …". */
const char *verdict_meaning(const struct verdict *verdict, const char *service);

/* The reason why the policy, of which there must be one, makes no session; or NULL. */
const char *verdict_no_session(const struct verdict *verdict, const char *service);

/* The plan of a login that happens now; session: its id, NULL for a made up one. As plan_make(); needs a policy. */
int verdict_plan(const struct verdict *verdict, const char *session, struct plan **ret,
		 char **ret_problem) _must_check_;

/* "policy", "root", "system-user", "none", "refused". */
const char *verdict_name(enum verdict_outcome outcome);

/*
 * Whether this one candidate alone would decide: 1; 0: it is not for the login; *ret is then what it says;
 * -EBADMSG: it is broken.
 */
int verdict_try(const struct verdict *verdict, const struct verdict_query *query, const struct candidate *candidate,
		struct policy **ret) _must_check_;
