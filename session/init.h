/* SPDX-License-Identifier: BSD-3-Clause OR GPL-2.0-or-later */
#pragma once

/*
 * The session's init: PID 1 of its PID namespace (or, without one, the
 * process that holds the session). Runs the steps of place init, links the record, reports
 * to the login process, and then keeps the session (keeper.h).
 */

#include "config/policy.h"
#include "session/plan.h"

/* The open files of a session that its init gets from the helper. */
struct init_files {
	int record;    /* the unnamed record, to be locked and linked */
	int directory; /* of the records; closed before anyone can come in */
	int place;     /* taken for the session among those of its user, user_state.h; held for its life */
	int listener;  /* bound: where later logins join and leave; -1: the session is one login's */
	int locks[2];  /* on the session's addresses, held for its life, network.h; -1 */
	int slirp;     /* closed with the init: then slirp4netns ends; -1: there is none */
	int gate;      /* keeps other openings of the user waiting until this session can be joined; -1 */
};

struct init_arguments {
	struct plan *plan;     /* this and the next are released once the steps are done: */
	struct policy *policy; /* the init is a copy of the helper, and keeps nothing of it */
	const char *id;        /* of the session: the record's name */
	bool wait;             /* on-logout = "wait" */
	int caller_pidfd;      /* readable when the login process has ended, pidfd_open(2) */
	int caller;            /* socket to the login process: one report, one acknowledgement, then closed */
	int helper;            /* socket to the helper: the network, network_new.h; "written"; then closed */
	int steps; /* socket from which the report of the steps comes, user_map.h; -1: they are the init's to do */
	struct init_files files;
};

/* What the init tells the helper under user_map.h: it is in its last mount namespace, or will be in none. */
#define INIT_SETTLED "settled"

/* What the helper tells the init, with a descriptor: the new network namespace is made, network_new.h. */
#define INIT_NETWORK "network"

/* What the helper tells the init: the record is whole and the reply is sent. */
#define INIT_WRITTEN "written"

/* Never returns. Closes every descriptor but those named in the arguments. */
_Noreturn void init_main(const struct init_arguments *arguments);
