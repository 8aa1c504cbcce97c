/* SPDX-License-Identifier: BSD-3-Clause OR GPL-2.0-or-later */
#pragma once

/*
 * A session's way out by slirp4netns(1): a process of the host that has the session's packets from an interface in its
 * network, and makes sockets of its own on the host for them. It ends with the session's init, however that ends.
 */

#include "common/cleanup.h"

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

/* What it gives the session. */
#define SLIRP_INTERFACE "tap0"
#define SLIRP_RESOLVER  "10.0.2.3"

/* 0, or -errno with *ret_problem (malloced) when slirp4netns is not there to run. */
int slirp_check(char **ret_problem) _must_check_;

/*
 * The two ends of what tells slirp4netns that the session has ended: it does so when the last copy of `init`, which is
 * the init's alone, is closed. 0 or -errno.
 */
int slirp_pipe(int *ret_init, int *ret_slirp) _must_check_;

/* One on its way. */
struct slirp {
	pid_t pid;      /* a child of ours; 0: none was started, or it is ready and left alone */
	uint64_t start; /* of its process */
	int ready;      /* where it says that its interface is up, or -1 */
	int said;       /* what it wrote to its standard error, or -1 */
};

/* Of one that was never started. */
#define SLIRP_NONE_YET                   \
	{                                \
		.ready = -1, .said = -1, \
	}

/*
 * Starts it for the network namespace `session`, a descriptor that stays open until it is ready, and does not wait: it
 * takes some milliseconds. Closes nothing that is given to it. 0, or -errno; then there is none.
 */
int slirp_start(int session, int exit_fd, struct slirp *ret) _must_check_;

/*
 * Waits until it is ready; from then on it is on its own. 0, or -errno with *ret_problem, a malloced sentence's end, or
 * NULL; then it has ended.
 */
int slirp_wait(struct slirp *slirp, char **ret_problem) _must_check_;

/* Ends it, unless it is ready, and closes what is open. */
void slirp_release(struct slirp *slirp);
