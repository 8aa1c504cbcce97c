/* SPDX-License-Identifier: BSD-3-Clause OR GPL-2.0-or-later */
#pragma once

/* Making the session's init: the one clone3(2), and what must be true of the caller before it. */

#include "session/plan.h"
#include "session/request.h"

/*
 * False for a caller that one setns(2) could not move safely: threaded,
 * chrooted, or with children in another PID namespace than its own. *ret_text (malloced, NULL without memory) says which.
 */
bool launch_allowed(const struct session_request *request, char **ret_text) _must_check_;

/*
 * Starts the init, which runs the plan's init steps, and waits (bounded) until
 * it is ready and holds the lock of `record`. 0, or -errno with *ret_failure (malloced: step, object, reason) when no init is left.
 */
int launch_init(const struct session_request *request, const struct plan *plan, int record, pid_t *ret_pid,
		int *ret_pidfd, char **ret_failure) _must_check_;
