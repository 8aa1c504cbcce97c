/* SPDX-License-Identifier: BSD-3-Clause OR GPL-2.0-or-later */
#pragma once

/*
 * A session that a user makes without root. A child makes the user namespace and, in it, the session's init, which does
 * the steps of place init and asks us outside who owns what (owner_stat.h). The same child then enters and starts the
 * command. Init and command are children of the caller, which stays where it is. Nothing is recorded.
 */

#include "session/plan.h"
#include "session/unprivileged.h"

struct own_order {
	const struct plan *plan; /* of unprivileged_plan() */
	struct own_ids ids;
	struct privileges privileges;
	/*
	 * Becomes the command, in the session: same_directory tells whether the working directory is still the
	 * caller's. `parent` is a pidfd of the caller.
	 */
	void (*become)(void *data, bool same_directory, int parent);
	void *data;
};

struct own_session {
	pid_t init;    /* 0: there is none */
	pid_t command; /* to be waited for by the caller */
};

/*
 * 0; or -errno with *ret_text (malloced: step, object, reason; NULL when memory ran out), and then what there is
 * ends with the caller, which has one thread.
 */
int own_session_start(const struct own_order *order, struct own_session *ret, char **ret_text) _must_check_;

/* Ends the session's init and, where it has a PID namespace, all that is in there. */
void own_session_end(struct own_session *session);
