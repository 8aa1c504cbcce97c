/* SPDX-License-Identifier: BSD-3-Clause OR GPL-2.0-or-later */
#pragma once

/*
 * Namespaces that the session's init does not make by its clone3(2), but is born into: the helper goes there before,
 * and back afterwards, since what is recorded of the login is about where that comes from.
 */

#include "session/plan.h"

struct inherited {
	int homes[NAMESPACE_KINDS]; /* to go back to; -1: was never left */
};

#define INHERITED_NOTHING                                   \
	{                                                   \
		.homes = { -1, -1, -1, -1, -1, -1, -1, -1 } \
	}

/* CLONE_NEW... of what is left for clone3(2) to make. */
unsigned inherit_clone_flags(const struct plan *plan);

/*
 * Goes where the plan's init is to be born; `network`: the one that STEP_NETWORK_NAMED names. 0; or -errno with
 * *ret_failed, the step whose namespace could not be made or entered. What was entered is to be left in either case.
 */
int inherit_enter(const struct plan *plan, int network, struct inherited *ret,
		  const struct step **ret_failed) _must_check_;

/* Back. 0, or the first -errno; the rest is left all the same. */
int inherit_leave(struct inherited *inherited) _must_check_;
