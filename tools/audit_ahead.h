/* SPDX-License-Identifier: BSD-3-Clause OR GPL-2.0-or-later */
#pragma once

/* Findings about sessions, numbered, that children hand to who made them, in memory that all have. */

#include "tools/audit_findings.h"

struct audit_ahead;

/* Made before the children are. 0 or -errno. */
int audit_ahead_new(size_t sessions, struct audit_ahead **ret) _must_check_;
struct audit_ahead *audit_ahead_free(struct audit_ahead *ahead);

/* In a child: all that is found of a session. Where there is no room the session is not done. */
void audit_ahead_tell(struct audit_ahead *ahead, size_t session, const struct findings *findings);

/* Adds what the children have told of all sessions that are done. Once they have ended. 0 or -ENOMEM. */
int audit_ahead_take(const struct audit_ahead *ahead, struct findings *findings) _must_check_;

/* No more is to be found of a session: all was told, or it was given up. */
bool audit_ahead_is_done(const struct audit_ahead *ahead, size_t session);
void audit_ahead_give_up(struct audit_ahead *ahead, size_t session);
