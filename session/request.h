/* SPDX-License-Identifier: BSD-3-Clause OR GPL-2.0-or-later */
#pragma once

/* The request and the reply of protocol.h as structures: both ends use the same two functions for each. */

#include "common/namespaces.h"
#include "config/find.h"
#include "config/policy.h"
#include "session/privileges.h"
#include "session/protocol.h"
#include "session/record.h"

/* Who has seen to the limits of the login, before its session is opened. */
enum limits_by {
	LIMITS_BY_NOBODY,
	LIMITS_BY_LINE,   /* an earlier line of the stack, session_request.handed */
	LIMITS_FAILED,    /* that line did not learn what they are */
	LIMITS_BY_CALLER, /* there is no stack: whoever runs nsrun */
};

struct session_request {
	const char *user; /* pw_name */
	uid_t uid;
	gid_t gid;
	const char *group; /* name of the primary group, "" when NSS has none */
	const char *home;  /* by NSS, as it is there */
	const char *service;
	const char *tty;
	const char *remote_host;
	pid_t caller; /* in the caller's PID namespace */
	unsigned flags;
	int caller_pidfd;
	enum limits_by limits_by;
	struct limits handed; /* to pam_systemd, or in mode audit what would have been */
	struct candidates candidates;
};

/* Appends the whole request; fds gets the descriptors to send, borrowed. -E2BIG when there are too many candidates. */
int request_encode(const struct session_request *request, struct message *message, int fds[PROTOCOL_FDS_MAX],
		   size_t *ret_fd_count) _must_check_;

/*
 * Fills a request whose strings point into `message`. Takes ownership of the descriptors, in
 * every case. -EPROTO: the peer has another version, *ret_version (in the message) names it; -EBADMSG.
 */
int request_decode(const struct message *message, const int *fds, size_t fd_count, struct session_request *ret,
		   const char **ret_version) _must_check_;

void request_release(struct session_request *request); /* of a decoded one */

/* The two modes in which there is a record, as it, the log and the reply name them. */
#define MODE_NAME_ENFORCE "enforce"
#define MODE_NAME_AUDIT   "audit"
#define SCOPE_NAME_USER   "user"

struct session_reply {
	enum outcome outcome;
	const char *text; /* one line for the log; "" where there is nothing to say */
	/* only with OUTCOME_OPENED: */
	char id[SESSION_ID_LENGTH + 1];
	char login[LOGIN_ID_LENGTH + 1]; /* of a login that joined, or "" */
	bool shared;                     /* the session may go on when this login ends: leave it, don't kill it */
	unsigned clone_flags;
	struct privileges privileges; /* that the login process is to give up */
	const char *policy;           /* the file that decided */
	uint64_t policy_hash;
	const char *mode;
	const char *notice; /* for the user; "": nothing */
	uint64_t namespaces[NAMESPACE_KINDS];
	int init_pidfd;
	/* only with OUTCOME_LIMITS: */
	bool enforced; /* false in mode audit */
	struct limits limits;
	/* for the record, and not sent: of its slirp4netns, or 0 */
	pid_t slirp_pid;
	uint64_t slirp_start;
};

void reply_encode(const struct session_reply *reply, struct message *message);

/* Likewise; init_pidfd is taken from fds. */
int reply_decode(const struct message *message, const int *fds, size_t fd_count, struct session_reply *ret,
		 const char **ret_version) _must_check_;
