/* SPDX-License-Identifier: BSD-3-Clause OR GPL-2.0-or-later */
#pragma once

/* Making the session's init: the one clone3(2), and what must be true of the caller before it. */

#include "session/plan.h"
#include "session/request.h"

/*
 * False for a caller that one setns(2) could not move safely: threaded,
 * chrooted, or with children in another PID namespace than its own. *ret_text (malloced, NULL without memory) says
 * which.
 */
bool launch_allowed(const struct session_request *request, char **ret_text) _must_check_;

/* An init on its way. */
struct launch {
	pid_t pid;
	int pidfd; /* of the init */
	int ready; /* socket on which it says how it went */
};

/*
 * Starts the init, which runs the plan's init steps. 0, or -errno with *ret_failure (malloced:
 * step, object, reason).
 */
int launch_start(const struct session_request *request, const struct plan *plan, int record, struct launch *ret,
		 char **ret_failure) _must_check_;

/* Waits (bounded) until the init is ready and holds the lock of the record. 0, or -errno with *ret_failure. */
int launch_wait(const struct launch *launch, char **ret_failure) _must_check_;

/* Kills the init and reaps it: nothing of the session is left. */
void launch_abort(struct launch *launch);

/* Keeps the init, which is no longer waited for; pidfd is then the caller's. Does nothing more after launch_abort(). */
void launch_release(struct launch *launch);
