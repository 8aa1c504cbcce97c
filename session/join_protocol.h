/* SPDX-License-Identifier: BSD-3-Clause OR GPL-2.0-or-later */
#pragma once

/*
 * What is said on the socket of a session that several logins share,
 * /run/nsisolate/users/UID/HASH.ID, which root alone can reach: one request and one answer a
 * connection, messages as in protocol.h.
 *
 *   join    version "join" LOGIN + descriptors: the login process's pidfd, its written record, not yet linked
 *   leave   version "leave" LOGIN, or for the login that opened the session its ID
 *   answer  version and one word:
 *     "joined"   the login is in: the session lives at least as long as its process
 *     "full"     it cannot take more logins
 *     "left"     the login is out, the session lives on
 *     "ended"    the login is out, and it was the last: the session ends
 *     "unknown"  there is no such login
 */

#include "session/protocol.h"
#include "session/record.h"

#include <sys/un.h>

#define JOIN_VERB    "join"
#define LEAVE_VERB   "leave"
#define JOIN_JOINED  "joined"
#define JOIN_FULL    "full"
#define JOIN_LEFT    "left"
#define JOIN_ENDED   "ended"
#define JOIN_UNKNOWN "unknown"

/* Logins of one session; each costs its init two descriptors. */
#define JOIN_LOGINS_MAX 400

/* How long an answer may take: the init has nothing else to do. */
#define JOIN_ANSWER_MS 3000

/* How long all of a login's search for a session may take, whatever number of inits do not answer. */
#define JOIN_SEARCH_MS 6000

/* The socket's name in its user's directory, and the whole of its address. */
#define JOIN_NAME_LENGTH (16 + 1 + SESSION_ID_LENGTH)
void join_name(uint64_t hash, const char *id, char ret[JOIN_NAME_LENGTH + 1]);
struct sockaddr_un join_address(uid_t uid, uint64_t hash, const char *id);

/* Removes the name of a session that ended. Tolerates that it is gone. */
void join_listener_remove(uid_t uid, uint64_t hash, const char *id);

/*
 * Connects to the session and says `request` with these descriptors. *ret_word is the answer in
 * *ret_answer, which is the caller's to release. init: the process that must be listening, -EPERM if it is
 * another; 0: any of root's. timeout_ms: for the answer, JOIN_ANSWER_MS or less. 0; -ECONNREFUSED, -ENOENT,
 * -ECONNRESET, -EPIPE: the session has ended; -ETIMEDOUT; -EAGAIN: it is busy; -EBADMSG: of another version; -errno.
 */
int join_ask(const struct sockaddr_un *address, pid_t init, const struct message *request, const int *fds,
	     size_t fd_count, int timeout_ms, struct message *ret_answer, const char **ret_word) _must_check_;
