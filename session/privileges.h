/* SPDX-License-Identifier: BSD-3-Clause OR GPL-2.0-or-later */
#pragma once

/*
 * What the login process gives up for its session, capabilities(7) and prctl(2), so that what it starts can never have
 * it: not by a set-user-ID program, nor by a file's capabilities, nor as root. The kernel gives none of it back. What
 * the login process may do itself, without execve(2), stays, but for what no login program needs. libc only.
 */

#include "common/cleanup.h"

#include <stdbool.h>
#include <stdint.h>

struct privileges {
	uint64_t dropped; /* capabilities, a bit each; those that this kernel does not have, nobody has */
	bool no_new_privs;
};

/* A bit for each capability that the bounding set has not. */
uint64_t bounding_set_lacks(void);

/* Takes capabilities from the bounding set; nothing is done where it has none of them. 0; -EPERM: without CAP_SETPCAP.
 */
int bounding_set_drop(uint64_t dropped) _must_check_;

/* Whether privileges_drop() can be done, before anything is: 0 or -errno, -EPERM as above. */
int privileges_check(const struct privileges *privileges) _must_check_;

/* Of the calling process, which has one thread. 0 or -errno; then part of it may be done. *ret_step: what was. */
int privileges_drop(const struct privileges *privileges, const char **ret_step) _must_check_;
