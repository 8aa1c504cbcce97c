/* SPDX-License-Identifier: BSD-3-Clause OR GPL-2.0-or-later */
#pragma once

/* Networks that are set up on the host's side, and who may have them: logins that come from there. */

#include "common/cleanup.h"
#include "config/policy.h"

#include <stdbool.h>

/* True for a mode that joins the session to something outside it. */
bool network_needs_host(enum network_mode mode);

/*
 * 0 if this process is in the host's network and in no session. -EINVAL with *ret_problem, a malloced sentence that
 * names the mode: else a login within a session would get out of its network. -ENOMEM.
 */
int network_host_is_here(enum network_mode mode, char **ret_problem) _must_check_;
