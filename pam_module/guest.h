/* SPDX-License-Identifier: BSD-3-Clause OR GPL-2.0-or-later */
#pragma once

/* One call of a PAM entry point: what was asked, by whom, and what was found out so far. */

#include "config/who.h"
#include "config/module_arguments.h"
#include "session/client.h"
#include "session/counters.h"
#include "session/journal.h"

#include <security/pam_modules.h>

struct guest {
	pam_handle_t *pamh;
	int flags; /* PAM_SILENT */
	struct module_arguments arguments;
	const char *bad_argument; /* of this line, or of an earlier one of the stack; or NULL */
	bool told;                /* an earlier line has logged the bad argument: this one says nothing */
	const char *user;         /* PAM_USER, raw: for logs only */
	const char *service;
	const char *tty;
	const char *remote_host;
	struct counters counters; /* mapped while a session is opened */
	struct journal journal;   /* open then, too */
};

/* Fills *ret. A PAM return value: PAM_SUCCESS even for a bad argument. */
int guest_init(struct guest *ret, pam_handle_t *pamh, int flags, int argc, const char **argv);

/* What is asked of the policies, and of the helper; both borrow. */
struct who_query guest_query(const struct guest *guest);
struct session_request guest_request(const struct guest *guest, const struct who *who);

/* Of a line that opens nothing, before those that do. */
void guest_prepare(struct guest *guest);

/* Opens a session for the user of `guest`, or passes or refuses them; logs the one line. A PAM return value. */
int guest_open(struct guest *guest);

/* Ends the session that guest_open() stored in the handle, if any. A PAM return value. */
int guest_close(struct guest *guest);
