/* SPDX-License-Identifier: BSD-3-Clause OR GPL-2.0-or-later */
#include "session/used_addresses.h"

#include "config/pool.h"
#include "session/network_state.h"

#include <fcntl.h>
#include <sys/mman.h>

bool address_was_used(int locks, const struct prefix *address)
{
	unsigned char mark = 0;

	/* nothing is read behind the file's end */
	return pread(locks, &mark, 1, network_lock_byte(address)) < 0 || mark != 0;
}

int address_use(const struct veth_pool *pool)
{
	const off_t byte = network_lock_byte(&pool->address);
	unsigned char mark = 0;

	if (pread(pool->locks, &mark, 1, byte) < 0)
		return -errno;
	mark = (unsigned char)(mark % UINT8_MAX + 1);
	return pwrite(pool->locks, &mark, 1, byte) < 0 ? -errno : 0;
}

bool address_is_held(int locks, off_t byte)
{
	struct flock lock = { .l_type = F_WRLCK, .l_whence = SEEK_SET, .l_start = byte, .l_len = 1 };

	return fcntl(locks, F_OFD_GETLK, &lock) < 0 || lock.l_type != F_UNLCK;
}

void used_addresses_read(const struct veth_pool *pool, struct used_addresses *ret)
{
	const struct prefix lowest = pool_address(&pool->prefix, 0);
	const off_t begin = network_lock_byte(&lowest), own = network_lock_byte(&pool->address);
	const off_t end = begin + (off_t)pool_size(&pool->prefix);
	ssize_t size;

	ret->first = own - begin > USED_ADDRESSES_MAX / 2 ? own - USED_ADDRESSES_MAX / 2 : begin;
	ret->count = end - ret->first < USED_ADDRESSES_MAX ? (size_t)(end - ret->first) : USED_ADDRESSES_MAX;
	size = pread(pool->locks, ret->marks, ret->count, ret->first);
	/* those behind the file's end are unused; those that cannot be read stay as they are */
	ret->count = size > 0 ? (size_t)size : 0;
	for (size_t i = 0; i < ret->count; i++)
		if (ret->marks[i] != 0 && address_is_held(pool->locks, ret->first + (off_t)i))
			ret->marks[i] = 0;
}

/*
 * Who has taken an address meanwhile has seen its mark, and so took its connections away again, and made another mark
 * of it before there were new ones.
 */
void used_addresses_forget(const struct veth_pool *pool, const struct used_addresses *used)
{
	const off_t page = sysconf(_SC_PAGESIZE), start = used->first - used->first % page;
	const size_t before = (size_t)(used->first - start);
	unsigned char *marks;

	if (used->count == 0)
		return;
	marks = mmap(NULL, before + used->count, PROT_READ | PROT_WRITE, MAP_SHARED, pool->locks, start);
	/* then the next session under such an address takes nothing away once more */
	if (marks == MAP_FAILED)
		return;
	for (size_t i = 0; i < used->count; i++) {
		unsigned char seen = used->marks[i];

		if (seen != 0)
			(void)__atomic_compare_exchange_n(&marks[before + i], &seen, 0, false, __ATOMIC_SEQ_CST,
							  __ATOMIC_SEQ_CST);
	}
	(void)munmap(marks, before + used->count);
}
