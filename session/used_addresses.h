/* SPDX-License-Identifier: BSD-3-Clause OR GPL-2.0-or-later */
#pragma once

/*
 * Which addresses of a pool had a session since their connections were last taken away. Each has a mark, a byte of the
 * file of locks where its lock is: 0 when it had none, and else another number with each session.
 */

#include "session/veth.h"

#define USED_ADDRESSES_MAX 1024 /* that are looked at in one go */

/* Some of a pool's addresses, and the marks of those that were used and are nobody's. */
struct used_addresses {
	off_t first; /* byte of the file */
	size_t count;
	unsigned char marks[USED_ADDRESSES_MAX]; /* 0: unused, or a session has it */
};

/* True, too, when that cannot be told. */
bool address_was_used(int locks, const struct prefix *address);

/* Before a session can use pool->address, which is locked. 0 or -errno. */
int address_use(const struct veth_pool *pool) _must_check_;

/* A lock of our own descriptor is none that it sees: what we hold is not in use yet. */
bool address_is_held(int locks, off_t byte);

/* Those around pool->address, which is locked by us, or all. */
void used_addresses_read(const struct veth_pool *pool, struct used_addresses *ret);

/* Their connections are gone: takes away the marks of all that no session had meanwhile. */
void used_addresses_forget(const struct veth_pool *pool, const struct used_addresses *used);
