/* SPDX-License-Identifier: BSD-3-Clause OR GPL-2.0-or-later */
#include "session/take_address.h"

#include "config/pool.h"
#include "session/byte_lock.h"
#include "session/network_state.h"
#include "session/used_addresses.h"

#include <fcntl.h>
#include <sys/random.h>

#define FIRST_AMONG UINT64_C(65536) /* the marks of so many are few pages */

static uint64_t least(uint64_t one, uint64_t other)
{
	return one < other ? one : other;
}

int address_search_begin(const struct veth_pool *pool, struct address_search *ret)
{
	uint64_t number;

	if (getrandom(&number, sizeof(number), 0) != sizeof(number))
		return -EAGAIN;
	ret->left = pool_size(&pool->prefix);
	ret->unused_left = least(ret->left, USED_ADDRESSES_MAX);
	ret->next = number % least(ret->left, FIRST_AMONG);
	return 0;
}

/* -EAGAIN: it is another's. */
static int try_next(struct veth_pool *pool, struct address_search *search, bool unused)
{
	int r;

	pool->address = pool_address(&pool->prefix, search->next);
	search->next = (search->next + 1) % pool_size(&pool->prefix);
	if (unused && address_was_used(pool->locks, &pool->address))
		return -EAGAIN;
	r = lock_byte(pool->locks, F_OFD_SETLK, F_WRLCK, network_lock_byte(&pool->address));
	return r == -EACCES ? -EAGAIN : r;
}

int take_address(struct veth_pool *pool, struct address_search *search)
{
	int r = -EAGAIN;

	for (; r == -EAGAIN && search->unused_left > 0; search->unused_left--)
		r = try_next(pool, search, true);
	for (; r == -EAGAIN && search->left > 0; search->left--)
		r = try_next(pool, search, false);
	return r == -EAGAIN ? -EDQUOT : r;
}

int give_address_back(const struct veth_pool *pool)
{
	return lock_byte(pool->locks, F_OFD_SETLK, F_UNLCK, network_lock_byte(&pool->address));
}
