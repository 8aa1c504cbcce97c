/* SPDX-License-Identifier: BSD-3-Clause OR GPL-2.0-or-later */
#pragma once

/* Making the session's init: the one clone3(2), and what must be true of the caller before it. */

#include "session/init.h"
#include "session/plan.h"
#include "session/request.h"

/*
 * False for a caller that one setns(2) could not move safely: threaded,
 * chrooted, or with children in another PID namespace than its own. *ret_text (malloced, NULL without memory) says
 * which.
 */
bool launch_allowed(const struct session_request *request, char **ret_text) _must_check_;

/* What is to be launched; all of it borrowed. */
struct launch_order {
	struct plan *plan;
	struct policy *policy; /* of the plan */
	const char *id;
	bool wait; /* on-logout = "wait" */
	struct init_files files;
	int network; /* a network namespace for the session to be in, network_name.h; -1: a new one, or the caller's */
};

/* An init on its way. */
struct launch {
	pid_t pid;
	int pidfd;   /* of the init */
	int socket;  /* on which it waits for INIT_WRITTEN */
	int network; /* namespace that was made for the session; -1: none was */
	int home;    /* the helper's own, where it makes that one after the init; -1: clone3(2) does, or none */
};

/*
 * Starts the init, which runs the plan's init steps and reports to the login process by itself.
 * 0, or -errno with *ret_failure (malloced: step, object, reason).
 */
int launch_start(const struct session_request *request, const struct launch_order *order, struct launch *ret,
		 char **ret_failure) _must_check_;

/*
 * Waits until the init is in the namespaces that it stays in, which under user_map.h is late. 0; -ETIMEDOUT;
 * -ECONNRESET: it has ended; -errno.
 */
int launch_settle(const struct launch_order *order, const struct launch *launch) _must_check_;

/* Tells the init that the record is written and the reply sent. 0 or -errno. Releases the launch. */
int launch_finish(struct launch *launch) _must_check_;

/* Kills the init and reaps it: nothing of the session is left. Releases the launch. */
void launch_abort(struct launch *launch);
