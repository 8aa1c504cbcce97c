/* SPDX-License-Identifier: BSD-3-Clause OR GPL-2.0-or-later */
#pragma once

/* One login process of the soak: it opens a session through libpam, runs something inside, and ends in some way. */

#include <stdbool.h>
#include <sys/types.h>

enum login_kind {
	LOGIN_DEFAULT,
	LOGIN_SHARED,  /* scope = "user" */
	LOGIN_WAITING, /* and on-logout = "wait" */
	LOGIN_FULL,    /* max-sessions = 1 */
	LOGIN_NESTED,  /* and another user's login inside */
	LOGIN_BARE,    /* a network alone: no mounts and no PID namespace */
	LOGIN_OFF,     /* not isolated, for comparison */
	LOGIN_KINDS
};

/* The PAM service of a kind; the policy has a section for each. */
const char *login_service(enum login_kind kind);

enum login_end { END_BY_CLOSE, END_BY_PAM_END, END_BY_EXIT, LOGIN_ENDS };

struct login_order {
	enum login_kind kind;
	enum login_end end;
	unsigned user, other_user;
	unsigned hold_ms;
	int hold;           /* or until this descriptor is at its end; -1: none */
	bool shell;         /* runs a shell meanwhile */
	unsigned linger_ms; /* how long a process that is left behind lives; 0: there is none */
	bool orphan;        /* that process is the init's child, not the login's */
};

enum login_state { LOGIN_OPENING, LOGIN_INSIDE, LOGIN_CLOSING, LOGIN_REFUSED };

/* In memory shared with the driver. */
struct login_result {
	volatile enum login_state state;
	int value;      /* of pam_open_session(3) */
	int nested;     /* of the login inside */
	int close;      /* of pam_close_session(3) */
	bool isolated;  /* it has a session */
	double open_us; /* of pam_open_session(3) alone */
	pid_t shell;
};

/* In a process of its own, which ends. */
_Noreturn void login_run(const struct login_order *order, struct login_result *result);
