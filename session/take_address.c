/* SPDX-License-Identifier: BSD-3-Clause OR GPL-2.0-or-later */
#include "session/take_address.h"

#include "config/pool.h"
#include "session/byte_lock.h"
#include "session/network_state.h"

#include <fcntl.h>
#include <sys/random.h>

int address_search_begin(const struct veth_pool *pool, struct address_search *ret)
{
	uint64_t number;

	if (getrandom(&number, sizeof(number), 0) != sizeof(number))
		return -EAGAIN;
	ret->left = pool_size(&pool->prefix);
	ret->next = number % ret->left;
	return 0;
}

int take_address(struct veth_pool *pool, struct address_search *search)
{
	const uint64_t size = pool_size(&pool->prefix);

	for (; search->left > 0; search->left--) {
		int r;

		pool->address = pool_address(&pool->prefix, search->next);
		search->next = (search->next + 1) % size;
		r = lock_byte(pool->locks, F_OFD_SETLK, F_WRLCK, network_lock_byte(&pool->address));
		if (r == -EAGAIN || r == -EACCES)
			continue;
		search->left--;
		return r;
	}
	return -EDQUOT;
}

int give_address_back(const struct veth_pool *pool)
{
	return lock_byte(pool->locks, F_OFD_SETLK, F_UNLCK, network_lock_byte(&pool->address));
}
