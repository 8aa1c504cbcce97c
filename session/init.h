/* SPDX-License-Identifier: BSD-3-Clause OR GPL-2.0-or-later */
#pragma once

/*
 * The session's init: PID 1 of its PID namespace (or, without one, the
 * process that holds the session). Runs the steps of place init, links the record, reports
 * to the login process, waits for it to come in, then gives up everything that it
 * does not need and lives until the login process ends.
 */

#include "session/plan.h"

struct init_arguments {
	const struct plan *plan;
	const char *id;   /* of the session: the record's name */
	int caller_pidfd; /* readable when the login process has ended, pidfd_open(2) */
	int caller;       /* socket to the login process: one report, one acknowledgement, then closed */
	int helper;       /* socket to the helper: "written", then closed */
	int record;       /* the unnamed record, to be locked and linked */
	int directory;    /* of the records; closed before anyone can come in */
};

/* What the helper tells the init: the record is whole and the reply is sent. */
#define INIT_WRITTEN "written"

/* Never returns. Closes every descriptor but those named in the arguments. */
_Noreturn void init_main(const struct init_arguments *arguments);
