/* SPDX-License-Identifier: BSD-3-Clause OR GPL-2.0-or-later */
#pragma once

/* The helper's part of network.mode "veth": it has nsisolate-veth do the work, and waits for it. */

#include "session/launch.h"

#define NETWORK_INTERFACE_SIZE 16 /* IF_NAMESIZE */
#define NETWORK_ADDRESSES_SIZE 96

struct network {
	pid_t pid; /* of nsisolate-veth; 0: none runs */
	int socket;
	int locks[2]; /* of the pools; the session's init inherits them, and has its addresses while it lives */
	char interface[NETWORK_INTERFACE_SIZE]; /* on the host */
	char addresses[NETWORK_ADDRESSES_SIZE]; /* "10.99.0.7,fd00:99::7" */
};

/* Of one that was never started. */
#define NETWORK_NONE_YET                          \
	{                                         \
		.socket = -1, .locks = { -1, -1 } \
	}

/*
 * Before there is an init: opens the files of the pools' locks, and starts what sees to the rules. 0 or -errno with
 * *ret_problem (malloced, NULL without memory).
 */
int network_start(const struct policy *policy, struct network *network, char **ret_problem) _must_check_;

/* Has the interface made in the network namespace `session`, a descriptor, and waits until it is there. Likewise. */
int network_finish(struct network *network, int session, char **ret_problem) _must_check_;

/* Mode audit: whether a session of this policy would have its network; changes nothing. Likewise. */
int network_rehearse(const struct policy *policy, char **ret_problem) _must_check_;

/* Ends nsisolate-veth if it is still there, and closes what is open. */
void network_release(struct network *network);
