/* SPDX-License-Identifier: BSD-3-Clause OR GPL-2.0-or-later */
#include "session/network_state.h"

#include "session/record_store.h"

#include <fcntl.h>
#include <inttypes.h>
#include <sys/socket.h>

#define LOCKS_MODE 0600

int network_cookie(uint64_t *ret)
{
	_cleanup_close_ int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	socklen_t size = sizeof(*ret);

	if (fd < 0)
		return -errno;
	return getsockopt(fd, SOL_SOCKET, SO_NETNS_COOKIE, ret, &size) < 0 ? -errno : 0;
}

int network_directory_open(void)
{
	_cleanup_close_ int all = -1;
	uint64_t cookie = 0;
	char name[24];
	int r = network_cookie(&cookie);

	if (r < 0)
		return r;
	all = run_directory_open(NETWORK_DIRECTORY, 0700);
	if (all < 0)
		return all;
	(void)snprintf(name, sizeof(name), "%" PRIu64, cookie);
	return own_directory_open(all, name, 0700);
}

int network_directory_look(void)
{
	uint64_t cookie = 0;
	char path[64];
	int fd, r = network_cookie(&cookie);

	if (r < 0)
		return r;
	(void)snprintf(path, sizeof(path), RECORD_ROOT "/" NETWORK_DIRECTORY "/%" PRIu64, cookie);
	fd = open(path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	return fd < 0 ? -errno : fd;
}

/* `count` bytes from `from` on as a number, the first the highest. */
static uint64_t number_of(const struct prefix *address, size_t from, size_t count)
{
	uint64_t number = 0;

	for (size_t i = from; i < from + count; i++)
		number = number << 8 | address->bytes[i];
	return number;
}

int network_locks_open(int directory, const struct prefix *pool)
{
	char name[32] = "ipv4";
	int fd;

	if (pool->family == AF_INET6)
		(void)snprintf(name, sizeof(name), "ipv6-%016" PRIx64, number_of(pool, 0, 8));
	fd = openat(directory, name, O_RDWR | O_CREAT | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC, LOCKS_MODE);
	return fd < 0 ? -errno : fd;
}

off_t network_lock_byte(const struct prefix *address)
{
	if (address->family == AF_INET)
		return (off_t)number_of(address, 0, 4);
	/* two halves of a /64 share their bytes: an address of one may then be passed over for one of the other */
	return (off_t)(number_of(address, 8, 8) & INT64_MAX >> 1);
}
