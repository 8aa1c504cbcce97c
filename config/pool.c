/* SPDX-License-Identifier: BSD-3-Clause OR GPL-2.0-or-later */
#include "config/pool.h"

#include "config/problem.h"

#include <string.h>

#define IPV4_LEAST 8  /* a longer prefix, that is: more addresses than any network of sessions has */
#define IPV4_MOST  30 /* two addresses */
#define IPV6_LEAST 64
#define IPV6_MOST  126

/* What no session can have an address of. */
static const struct {
	const char *prefix;
	const char *what;
} unusable[] = {
	{ "0.0.0.0/8", "of no network" }, { "127.0.0.0/8", "loopback" }, { "169.254.0.0/16", "link-local" },
	{ "224.0.0.0/3", "not unicast" }, { "::/8", "reserved" },        { "fe80::/10", "link-local" },
	{ "ff00::/8", "multicast" },
};

static int check_usable(const char *text, const struct prefix *pool, char **ret_problem)
{
	for (size_t i = 0; i < ELEMENTS(unusable); i++) {
		struct prefix range;
		int r = prefix_parse(unusable[i].prefix, &range, ret_problem);

		if (r < 0)
			return r;
		if (prefix_holds(&range, pool) || prefix_holds(pool, &range))
			return problem(ret_problem, -EINVAL,
				       "'%s': addresses in %s are %s; take private ones, as in '10.99.0.0/16' or "
				       "'fd00:99::/64'",
				       text, unusable[i].prefix, unusable[i].what);
	}
	return 0;
}

int pool_parse(const char *text, char **ret, char **ret_problem)
{
	char canonical[PREFIX_TEXT_SIZE];
	struct prefix pool;
	unsigned least, most;
	int r = prefix_parse(text, &pool, ret_problem);

	if (r == -ENOENT)
		return problem(ret_problem, -EINVAL, "'%s' is no prefix, as '10.99.0.0/16' and 'fd00:99::/64' are",
			       text);
	if (r < 0)
		return r;
	least = pool.family == AF_INET ? IPV4_LEAST : IPV6_LEAST;
	most = pool.family == AF_INET ? IPV4_MOST : IPV6_MOST;
	if (pool.bits < least || pool.bits > most)
		return problem(ret_problem, -EINVAL, "'%s': the length of a pool's %s prefix is %u to %u", text,
			       pool.family == AF_INET ? "IPv4" : "IPv6", least, most);
	r = check_usable(text, &pool, ret_problem);
	if (r < 0)
		return r;
	*ret = strdup(prefix_format(&pool, canonical));
	return *ret ? 0 : -ENOMEM;
}

uint64_t pool_size(const struct prefix *pool)
{
	const unsigned host_bits = prefix_family_bits(pool->family) - pool->bits;
	uint64_t all = host_bits < 63 ? UINT64_C(1) << host_bits : UINT64_MAX;

	all -= pool->family == AF_INET ? 2 : 1;
	return all < POOL_ADDRESSES_MAX ? all : POOL_ADDRESSES_MAX;
}

struct prefix pool_address(const struct prefix *pool, uint64_t number)
{
	struct prefix address = *pool;

	address.bits = prefix_family_bits(pool->family);
	number += 1;
	for (unsigned at = address.bits / 8; number > 0 && at-- > 0; number >>= 8)
		address.bytes[at] |= (unsigned char)number;
	return address;
}
