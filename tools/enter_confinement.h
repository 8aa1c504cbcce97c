/* SPDX-License-Identifier: BSD-3-Clause OR GPL-2.0-or-later */
#pragma once

/* What confines the processes of a session beside its namespaces, for one that comes in later. */

#include "session/confinement.h"
#include "tools/sessions.h"

/*
 * From the process of the first login that is still in: it is the login program, which root started and which the user
 * cannot change. When all have left: from the init, and the limits that the session's own processes still have, for the
 * init has none; who made theirs tighter than they were has the same for us, and nobody can widen them. The bounding
 * set is never more than the init's. `session` is of a reading `sessions`. 0; -ESRCH: nobody is left to ask; or -errno.
 */
int enter_confinement(const struct sessions *sessions, const struct session *session,
		      struct confinement *ret) _must_check_;

/*
 * What at least one of its login processes still has, as confinement_widen() has it. 0; -ESRCH when none is in any
 * more; or -errno.
 */
int logins_confinement(const struct session *session, struct confinement *ret) _must_check_;
