/* SPDX-License-Identifier: BSD-3-Clause OR GPL-2.0-or-later */
#pragma once

/*
 * What the live sessions of one user have in common, below /run/nsisolate/users/UID
 * (root only). Nothing is counted on disk: a session takes a place by an open
 * file description lock on one byte of the file "places", fcntl_locking(2),
 * which its init holds by the inherited descriptor and the kernel gives back
 * however the init ends.
 */

#include "session/record.h"

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#define USERS_DIRECTORY RECORD_ROOT "/users"
#define GATE_FILE       "gate"
#define PLACES_FILE     "places"

/*
 * Opens the directory of this user, making it when missing. -EPERM: it or one
 * above it is not root's alone; -ENOTDIR; -errno. A directory descriptor, for reading.
 */
int user_directory_open(uid_t uid) _must_check_;

/*
 * Waits until no other opening of a session that this user's logins share is under way, and holds the others up
 * until the last copy of the descriptor is closed. One that others have held for GATE_WAIT_MS is passed all the same:
 * whoever holds it is stopped or hangs, and must not keep its user out. Two sessions may then be made where
 * one would do. A descriptor or -errno. Uses SIGALRM.
 */
#define GATE_WAIT_MS 12000
int user_gate_take(int directory) _must_check_;

/* True when nobody else is past the gate: no session is being made, and each has its record as well as its socket. */
bool user_gate_is_quiet(int gate) _must_check_;

/* How long an opening waits for one that is just taking a place. */
#define PLACES_WAIT_MS 10000

/*
 * Takes a place for a new session; it is given back when the last copy of the descriptor is
 * closed. A descriptor; -EDQUOT: `max` sessions or more are alive, *ret_alive says how many; -errno.
 */
int user_place_take(int directory, uint64_t max, uint64_t *ret_alive) _must_check_;
