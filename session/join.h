/* SPDX-License-Identifier: BSD-3-Clause OR GPL-2.0-or-later */
#pragma once

/*
 * Joining a live session (scope = "user"): the helper's side. A session is found by the name of its socket
 * in the user's directory, and believed only as far as the kernel vouches for it: the process that holds
 * the lock on its record is the one that listens, and its namespaces are those recorded.
 */

#include "config/policy.h"
#include "session/request.h"

/* Where to look; all of it borrowed. */
struct join_files {
	int records;
	int user_directory;
	int gate;         /* taken, user_state.h */
	uint64_t network; /* inode number of the network namespace that the session must be in; 0: its own */
};

/*
 * Looks for a session of this user under this very policy and has the caller's login taken in. 1: *reply has everything
 * but outcome and text; 0: there is none to join; -errno with *ret_object (static): what it is about.
 */
int join_session(const struct session_request *request, const struct policy *policy, const struct join_files *files,
		 struct session_reply *reply, const char **ret_object) _must_check_;

/*
 * Removes the sockets of this user's sessions that have no live record: they ended, or were never made. Not while
 * others are past the gate, whose sessions may still be made. Tolerates failure: the next one does it.
 */
void join_remove_ended(const struct join_files *files);

/*
 * A bound socket for the session `id`, on which its init will listen: the descriptor or -errno. The
 * name stays in the user's directory until join_listener_remove() of join_protocol.h.
 */
int join_listener_new(uid_t uid, uint64_t hash, const char *id) _must_check_;
