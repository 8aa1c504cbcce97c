/* SPDX-License-Identifier: BSD-3-Clause OR GPL-2.0-or-later */
#pragma once

/* network.pool: the prefixes that sessions get their addresses from, at most one a family. Pure. */

#include "config/prefix.h"

#include <stdint.h>

/* No pool has more addresses to give than this, so that a search for a free one ends. */
#define POOL_ADDRESSES_MAX (UINT64_C(1) << 24)

/*
 * A prefix with room for sessions and with addresses that a host can have, in canonical text. 0 and a malloced
 * string; -EINVAL with *ret_problem, a malloced sentence; -ENOMEM.
 */
int pool_parse(const char *text, char **ret, char **ret_problem) _must_check_;

/* How many addresses it gives: all but the network's own and, of IPv4, the broadcast address. */
uint64_t pool_size(const struct prefix *pool);

/* The address of this number, from 0 to pool_size() - 1, as a whole address. */
struct prefix pool_address(const struct prefix *pool, uint64_t number);
