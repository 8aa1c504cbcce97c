/* SPDX-License-Identifier: BSD-3-Clause OR GPL-2.0-or-later */
#pragma once

/*
 * A session's way out by slirp4netns(1): a process of the host that has the session's packets from an interface in its
 * network, and makes sockets of its own on the host for them. It ends with the session's init, however that ends.
 */

#include "common/cleanup.h"

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

/*
 * Starts it for the network of the process `init`, a child of ours, and waits until it is ready. Closes nothing that is
 * given to it. *ret_pid and *ret_start are of its process, whose parent we are. 0, or -errno with *ret_problem, a
 * malloced sentence's end, or NULL: then it has ended.
 */
int slirp_start(pid_t init, int exit_fd, pid_t *ret_pid, uint64_t *ret_start, char **ret_problem) _must_check_;
