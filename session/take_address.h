/* SPDX-License-Identifier: BSD-3-Clause OR GPL-2.0-or-later */
#pragma once

/*
 * Addresses without a daemon: one is taken while the byte of its number is locked, fcntl_locking(2). The search begins
 * anywhere among the first, and passes over those that had a session while there are others: of these, connections
 * would have to be looked for.
 */

#include "session/veth.h"

/* Numbers of a pool's addresses, all of them once. */
struct address_search {
	uint64_t next;
	uint64_t unused_left; /* so many are looked at that must not have been used */
	uint64_t left;
};

/* Where to look first. 0 or -errno. */
int address_search_begin(const struct veth_pool *pool, struct address_search *ret) _must_check_;

/* Takes the next free one, and sets pool->address. 0; -EDQUOT: there is none; -errno. */
int take_address(struct veth_pool *pool, struct address_search *search) _must_check_;

/* It is not used after all. 0 or -errno. */
int give_address_back(const struct veth_pool *pool) _must_check_;
