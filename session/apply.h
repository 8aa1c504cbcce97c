/* SPDX-License-Identifier: BSD-3-Clause OR GPL-2.0-or-later */
#pragma once

#include "session/plan.h"

/*
 * Runs every step of place init in the calling process: in order, but the directories that some bring from elsewhere
 * are copied before anything is covered. The process
 * must already live in the namespaces of plan->clone_flags, but for a network that comes on the socket `helper`,
 * network_new.h; -1: it is in that, too. Stops at the first
 * that fails: -errno, with *ret_failed set to it and *ret_object, of the plan, to
 * what it failed at; NULL where that is nothing.
 */
int apply_init_steps(const struct plan *plan, int helper, const struct step **ret_failed,
		     const char **ret_object) _must_check_;
