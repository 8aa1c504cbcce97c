/* SPDX-License-Identifier: BSD-3-Clause OR GPL-2.0-or-later */
#pragma once

/*
 * The session's init: PID 1 of its PID namespace (or, without one, the
 * process that holds the session). Runs the steps of place init, says whether they worked, waits
 * for the login process to come in, then gives up everything that it does not
 * need and lives until the login process ends.
 */

#include "session/plan.h"

struct init_arguments {
	const struct plan *plan;
	int caller_pidfd; /* readable when the login process has ended, pidfd_open(2) */
	int caller;       /* socket to the login process: one acknowledgement, then closed */
	int helper;       /* socket to the helper: one message, then closed */
	int record;       /* the unnamed record, to be locked */
};

/* Never returns. Closes every descriptor but those named in the arguments. */
_Noreturn void init_main(const struct init_arguments *arguments);

/* What the init told the helper, as protocol.h strings: "ready", or "failed" step object errno. */
#define INIT_READY  "ready"
#define INIT_FAILED "failed"
