/* SPDX-License-Identifier: BSD-3-Clause OR GPL-2.0-or-later */
#include "session/veth.h"

#include "common/clock.h"
#include "config/problem.h"
#include "session/byte_lock.h"
#include "session/connections.h"
#include "session/firewall.h"
#include "session/take_address.h"
#include "session/veth_messages.h"

#include <fcntl.h>
#include <poll.h>
#include <string.h>
#include <sys/random.h>

#define NAME_TRIES 8
/* The kernel takes the end of a session that has ended away a moment later. Less than who reloads rules waits for us.
 */
#define FREED_WAIT_MS 1000
#define FREED_STEP_MS 20

/* What the session's default route names. Nobody has these addresses; the hardware address is what counts. */
static const char *const gateways[VETH_FAMILIES] = { "169.254.1.1", "fe80::1" };

/* IF_NAMESIZE - 1 in all: what is behind the rules' name is random, so that no name comes again soon. */
static int random_name(const char *rules, char ret[IF_NAMESIZE])
{
	static const char digits[] = "abcdefghijklmnopqrstuvwxyz234567";
	unsigned char bytes[IF_NAMESIZE - 1 - FIREWALL_NAME_LENGTH];
	char *end = stpncpy(ret, rules, FIREWALL_NAME_LENGTH);

	if (getrandom(bytes, sizeof(bytes), 0) != sizeof(bytes))
		return -EAGAIN;
	for (size_t i = 0; i < sizeof(bytes); i++)
		*end++ = digits[bytes[i] % 32];
	*end = '\0';
	return 0;
}

/* Locally administered ones; the host's end is the same for every session, and on none of them is anyone else. */
static int make_hardware(struct veth_hardware *ret)
{
	static const struct veth_hardware like = { { 0x02, 'n', 's', 0, 0, 1 }, { 0x02, 'n', 's', 0, 0, 0 } };

	*ret = like;
	return getrandom(ret->inside + 3, 3, 0) == 3 ? 0 : -EAGAIN;
}

static int make_pair(struct netlink *host, int network_namespace, const char *rules,
		     const struct veth_hardware *hardware, struct veth *veth)
{
	int r = -EEXIST;

	for (int i = 0; i < NAME_TRIES && r == -EEXIST; i++) {
		r = random_name(rules, veth->name);
		if (r == 0)
			r = veth_create(host, veth->name, network_namespace, hardware);
	}
	return r;
}

/* A sysctl of our own interface. */
static int set_own(const char *interface, const char *name, const char *value)
{
	char path[96];

	(void)snprintf(path, sizeof(path), "/proc/sys/net/ipv6/conf/%s/%s", interface, name);

	_cleanup_close_ int file = open(path, O_WRONLY | O_CLOEXEC);

	if (file < 0)
		return -errno;
	return write(file, value, strlen(value)) < 0 ? -errno : 0;
}

/* IPv6 of our end: forwarded, where the kernel decides that for each interface, and nothing learnt from the session. */
static int set_ipv6(const struct veth *veth)
{
	const bool wanted = veth->pools[1].locks >= 0;
	int r = set_own(veth->name, "disable_ipv6", wanted ? "0" : "1");

	/* a kernel without IPv6 has no such file */
	if (r < 0)
		return !wanted && r == -ENOENT ? 0 : r;
	r = set_own(veth->name, "accept_ra", "0");
	if (r == 0)
		r = set_own(veth->name, "accept_redirects", "0");
	if (r == 0 && wanted)
		r = set_own(veth->name, "force_forwarding", "1");
	/* before Linux 6.17 */
	return r == -ENOENT ? 0 : r;
}

static int failed(struct netlink *netlink, const char *what, const char *name, int error, char **ret_problem)
{
	return problem(ret_problem, error, "%s: %s: %s%s%s", name, what, strerror(-error), *netlink->reason ? ": " : "",
		       netlink->reason);
}

/* -EDQUOT: each address of the pool is a session's. */
static int try_addresses(struct netlink *host, unsigned index, struct veth_pool *pool)
{
	struct address_search search;
	int r = address_search_begin(pool, &search);

	while (r == 0) {
		r = take_address(pool, &search);
		if (r < 0)
			return r;
		/* the machine's own, or a session's whose end the kernel is still taking away */
		r = route_is_own(host, &pool->address) ? -EEXIST : route_to_session(host, index, &pool->address);
		if (r != -EEXIST)
			return r;
		r = give_address_back(pool);
	}
	return r;
}

static int add_address(struct netlink *host, unsigned index, const struct veth *veth, struct veth_pool *pool)
{
	int r = try_addresses(host, index, pool);
	const int64_t until = now_ms() + FREED_WAIT_MS;

	/* whoever wants the rules alone need not wait, too */
	if (r == -EDQUOT)
		(void)!lock_byte(veth->hold, F_OFD_SETLK, F_UNLCK, FIREWALL_HOLD_BYTE);
	while (r == -EDQUOT && now_ms() < until && poll(NULL, 0, FREED_STEP_MS) == 0)
		r = try_addresses(host, index, pool);
	return r;
}

static int set_up_host(struct netlink *host, unsigned index, const struct veth_hardware *hardware, struct veth *veth,
		       char **ret_problem)
{
	char prefix[PREFIX_TEXT_SIZE];
	int r = veth_prepare(host, index);

	if (r == 0)
		r = set_ipv6(veth);
	if (r == 0)
		r = veth_up(host, index);
	if (r < 0)
		return failed(host, "setting it up", veth->name, r, ret_problem);
	for (size_t i = 0; i < VETH_FAMILIES; i++) {
		struct veth_pool *pool = &veth->pools[i];

		if (pool->locks < 0)
			continue;
		r = add_address(host, index, veth, pool);
		if (r == -EDQUOT)
			return problem(ret_problem, r, "every address of network.pool %s is taken",
				       prefix_format(&pool->prefix, prefix));
		if (r == 0)
			r = neighbour_add(host, index, &pool->address, hardware->inside);
		if (r < 0)
			return failed(host, "route to the session", veth->name, r, ret_problem);
		/* no packet of theirs has come through: the other end is down */
		r = connections_forget(pool, &veth->usage);
		if (r < 0)
			return problem(ret_problem, r, "%s: connections that earlier sessions left: %s", veth->name,
				       strerror(-r));
	}
	return 0;
}

static int set_up_inside(int network_namespace, const struct veth_hardware *hardware, const struct veth *veth,
			 char **ret_problem)
{
	struct netlink inside;
	unsigned index = 0;
	int r = netlink_open_in(network_namespace, NETLINK_ROUTE, &inside);

	if (r < 0)
		return problem(ret_problem, r, "the session's network namespace: %s", strerror(-r));
	r = link_index(&inside, VETH_INSIDE, &index);
	if (r == 0)
		r = veth_prepare(&inside, index);
	if (r == 0)
		r = veth_up(&inside, index);
	for (size_t i = 0; r == 0 && i < VETH_FAMILIES; i++) {
		struct prefix gateway;

		if (veth->pools[i].locks < 0)
			continue;
		r = prefix_parse_address(gateways[i], &gateway) ? 0 : -EINVAL;
		if (r == 0)
			r = address_add(&inside, index, &veth->pools[i].address);
		if (r == 0)
			r = neighbour_add(&inside, index, &gateway, hardware->host);
		if (r == 0)
			r = route_by_default(&inside, index, &gateway);
	}
	if (r < 0)
		r = failed(&inside, "setting it up in the session", VETH_INSIDE, r, ret_problem);
	netlink_close(&inside);
	return r;
}

int veth_make(struct netlink *host, int network_namespace, const char *rules, struct veth *veth, char **ret_problem)
{
	struct veth_hardware hardware;
	unsigned index = 0;
	int r = make_hardware(&hardware);

	if (r == 0)
		r = make_pair(host, network_namespace, rules, &hardware, veth);
	if (r < 0)
		return failed(host, "making a veth pair", rules, r, ret_problem);
	r = link_index(host, veth->name, &index);
	if (r < 0)
		return failed(host, "its index", veth->name, r, ret_problem);
	r = set_up_host(host, index, &hardware, veth, ret_problem);
	if (r == 0)
		r = set_up_inside(network_namespace, &hardware, veth, ret_problem);
	if (r == 0) {
		r = veth_wait(host, index);
		if (r < 0)
			r = failed(host, "waiting until it sends", veth->name, r, ret_problem);
	}
	if (r < 0)
		/* tolerates what it may: with the session's namespace both ends go */
		(void)veth_delete(host, index);
	return r;
}
