/* SPDX-License-Identifier: BSD-3-Clause OR GPL-2.0-or-later */
#pragma once

/* What the kernel holds the logins of a session to, beside what its policy says. */

#include "session/limits.h"
#include "tools/sessions.h"

/*
 * Looks at the control groups of every login that is in. *ret_seen: what that of the first has, "memory=512m
 * tasks=max"; *ret_difference: a sentence about the first that is not held to what is wanted, or NULL; both malloced,
 * and may have hostile text. 0; -ESRCH when no login is in; -errno.
 */
int limits_compare(const struct session *session, const struct limits *wanted, char **ret_seen,
		   char **ret_difference) _must_check_;
