/* SPDX-License-Identifier: BSD-3-Clause OR GPL-2.0-or-later */
#pragma once

/*
 * What the login process (PAM module, nsrun) and the session helper say to
 * each other over a SOCK_SEQPACKET pair, unix(7): one request, one reply and, for
 * a session, the report of its init on the same socket and one acknowledgement. A message is a list of NUL-terminated
 * strings, the first of which is always "nsisolate VERSION", so that a module and a helper of different versions refuse
 * each other by name before anything else is read.
 *
 *   request   version user uid gid group home service tty remote-host caller-pid flags
 *             limits-by memory tasks cpu-weight has-directory
 *             count, then for each candidate: kind has-descriptor name problem
 *             + descriptors: the caller's pidfd, the policy directory, the open candidates in order
 *   reply     version outcome text, and for "opened":
 *             id login shared clone-flags dropped-capabilities no-new-privs policy hash mode notice, then an inode
 *             number for each namespace kind
 *             + descriptor: the init's pidfd
 *             A login that joined a session has a name of its own, and neither report nor ack follow.
 *             and for "limits": enforced memory tasks cpu-weight
 *   report    version "ready", or version "failed" step object errno
 *   ack       version: the caller is in; the init answers nothing
 *
 * Between helper and init, on a socket of their own: "network" with a descriptor of the new network namespace, where
 * the helper makes one, network_new.h; and "written", once the record is written and the reply sent, so that the report
 * can only come after the reply, and the record be linked only when it is whole.
 */

#include "common/cleanup.h"
#include "nsisolate-config.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#define PROTOCOL_VERSION     "nsisolate " NSISOLATE_VERSION
#define PROTOCOL_MESSAGE_MAX (64 * 1024) /* bytes */
#define PROTOCOL_FDS_MAX     250         /* below SCM_MAX_FD of the kernel, 253 */
#define PROTOCOL_HELPER_FD   3           /* the helper's end of the pair */

/* What came of a request. The order is that of outcome_names in protocol.c. */
enum outcome {
	OUTCOME_OPENED =
		1,   /* an init is at its steps and will report; in mode audit it has none, and holds the record */
	OUTCOME_OFF, /* the deciding policy says mode "off" */
	OUTCOME_NO_POLICY,    /* no file is this user's */
	OUTCOME_SYSTEM_USER,  /* 0 <= uid < UID_MIN without a user file for this login */
	OUTCOME_USER_MANAGER, /* systemd-user of a user with user-manager = "allow" */
	OUTCOME_AUDIT,        /* mode "audit", and the login would have been refused; text says why */
	OUTCOME_DENIED,       /* on purpose: the policy allows no such login, for instance no user manager */
	OUTCOME_FULL,         /* the user has as many sessions as the policy allows; text says how many */
	OUTCOME_REFUSED,      /* because of a policy that is broken or cannot be applied; text says why */
	OUTCOME_FAILED,       /* a step failed; text names step, object and errno */
	OUTCOME_LIMITS,       /* to REQUEST_LIMITS, where a session would be opened: what to hand to pam_systemd */
};

#define REQUEST_THREADED 1u /* flags: the caller has more than one task */
#define REQUEST_ALONE    2u /* the session is for this caller only, whatever the policy's scope */
#define REQUEST_LIMITS   4u /* nothing is opened: what the first line of a stack asks */

struct message {
	char *data; /* malloced */
	size_t size;
	int error; /* first failure, sticky: -ENOMEM, -E2BIG */
};

void message_release(struct message *message);
void message_put(struct message *message, const char *text);
void message_put_number(struct message *message, uint64_t number);

/*
 * Reads strings and numbers in order. Every getter fails once the message is short or a number
 * malformed: error is sticky.
 */
struct message_reader {
	const char *next;
	const char *end;
	int error; /* -EBADMSG */
};

struct message_reader message_read(const struct message *message);
const char *message_get(struct message_reader *reader); /* "" after an error; never NULL */
uint64_t message_get_number(struct message_reader *reader, uint64_t max);
bool message_at_end(const struct message_reader *reader);

const char *outcome_name(enum outcome outcome);
int outcome_from_name(const char *name, enum outcome *ret) _must_check_;

/* sendmsg(2) with MSG_NOSIGNAL and up to PROTOCOL_FDS_MAX descriptors. -errno; the message's own error first. */
int message_send(int socket, const struct message *message, const int *fds, size_t fd_count) _must_check_;

/* poll(2) that signals neither end nor stretch: > 0; 0 when the time is over; -errno. */
struct pollfd;
int poll_until(struct pollfd *pollers, unsigned count, int timeout_ms) _must_check_;

/*
 * Waits at most `timeout_ms` for one message. Received descriptors are
 * O_CLOEXEC; more than *fd_count of them, or a truncated message, is -EBADMSG.
 * 0; -ETIMEDOUT; -ECONNRESET when the peer is gone; -errno. On failure no descriptor is left open.
 */
int message_receive(int socket, int timeout_ms, struct message *ret, int *fds, size_t *fd_count) _must_check_;
