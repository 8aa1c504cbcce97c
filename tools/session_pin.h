/* SPDX-License-Identifier: BSD-3-Clause OR GPL-2.0-or-later */
#pragma once

/*
 * A session's init, so that it cannot be confused with another process that gets its number: a pidfd that was opened
 * while it held the lock. It did before, by the reading that the session is of, and does afterwards, by another; and a
 * lock is not handed on, so the pidfd is the init's.
 */

#include "tools/nsinspect.h"
#include "tools/sessions.h"

#define SESSION_HAS_ENDED "it has ended"

/* NULL and a pidfd, to be closed; or why the session is left alone, with *ret_status. Counts for nothing without the
 * next. */
const char *session_pin(const struct session *session, int *ret_pidfd, enum exit_status *ret_status) _must_check_;

/* Whether a session of an earlier reading is in this one: held by the same init, and within the same ones. */
bool session_is_still_there(const struct sessions *again, const struct session *session) _must_check_;
