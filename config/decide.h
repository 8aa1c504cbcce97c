/* SPDX-License-Identifier: BSD-3-Clause OR GPL-2.0-or-later */
#pragma once

/*
 * Candidates in, one effective policy out: parse, check and merge. Runs in the
 * session helper (static, empty environment) and in nsinspect. Uses no NSS.
 */

#include "common/cleanup.h"
#include "config/diagnostics.h"
#include "config/find.h"
#include "config/policy.h"

struct login {
	const char *user; /* pw_name */
	uid_t uid;
	const char *service; /* PAM_SERVICE */
	const char *from;    /* PAM_RHOST as given, or NULL/"" for a local login */
};

enum decision {
	DECISION_POLICY = 1,  /* *ret is set: look at its mode */
	DECISION_NONE,        /* no file is this user's: refused unless the module line says "optional" */
	DECISION_SYSTEM_USER, /* 0 < uid < UID_MIN and no user file for this login: passed */
	DECISION_ROOT,        /* uid 0 with a user file that is not for this login: passed */
};

/*
 * Reads the candidates in order and lets the first that matches decide. A file whose
 * services or from do not have this login is passed over. Files after the one that decides are not read, except that
 * all group files of the user are read to rank them by priority. Returns an enum decision, -EBADMSG when a file that
 * was reached cannot be used (diag says why, with file and line), or another -errno. uid_min: UID_MIN of login.defs.
 */
int policy_decide(const struct candidates *candidates, const struct login *login, uid_t uid_min, struct policy **ret,
		  struct diagnostics *diag) _must_check_;

/*
 * What one candidate says of the login, whatever comes before it: 1: it is for the login; 0: it is not; *ret is set in
 * both. Or -errno as above.
 */
int policy_try(const struct policy_root *root, const struct candidate *candidate, const struct login *login,
	       struct policy **ret, struct diagnostics *diag) _must_check_;

/*
 * UID_MIN of /etc/login.defs (login.defs(5)); 1000 when the file or the entry is missing;
 * -errno when unreadable or malformed.
 */
int login_defs_uid_min(const char *path, uid_t *ret) _must_check_;

/* The built-in defaults alone, as for an empty file called `file`. */
int policy_new_default(const char *file, struct policy **ret) _must_check_;

/*
 * Parses and checks one buffer of file `name` by itself (lint): every problem goes to diag. *ret, unless `ret` is
 * NULL, is the policy that it makes, NULL for none. 0 or -ENOMEM.
 */
int policy_lint(const char *name, const char *text, size_t size, struct policy **ret,
		struct diagnostics *diag) _must_check_;

/* Called with what a file makes of logins by no service that it names (NULL), and then of those by each that it does.
 */
struct policy_visitor {
	void (*visit)(void *context, const struct policy *policy, const char *service);
	void *context;
};

/* The same for a file of the policy directory `root`, with what it extends. `visitor` may be NULL. */
int policy_lint_below(const struct policy_root *root, const char *name, const char *text, size_t size,
		      const struct policy_visitor *visitor, struct policy **ret, struct diagnostics *diag) _must_check_;

/* A file that only others build on: what its keys make together is judged where it is extended. */
int policy_lint_base(const struct policy_root *root, const char *name, const char *text, size_t size,
		     struct diagnostics *diag) _must_check_;
