/* SPDX-License-Identifier: BSD-3-Clause OR GPL-2.0-or-later */
#pragma once

/*
 * A session's interface, veth(4): one end in the session's network namespace, the other on the host. There is nothing
 * to ask on it, no ARP and no neighbour discovery: both ends know the other's hardware address for good. The host has
 * no address there, and a route for each of the session's.
 */

#include "config/prefix.h"
#include "session/firewall_text.h"
#include "session/netlink.h"

#include <net/if.h>

#define VETH_INSIDE   "eth0" /* its name in the session */
#define VETH_FAMILIES 2      /* IPv4, then IPv6 */

/* An address pool, and the file whose locks say which of its addresses are taken. */
struct veth_pool {
	int locks; /* -1: the session has no address of this family */
	struct prefix prefix;
	struct prefix address; /* a whole one, once it is taken */
};

/* How full the host's table of connections is. */
struct connections_usage {
	uint32_t count, max;
};

struct veth {
	char name[IF_NAMESIZE]; /* on the host; begins with the rules' name */
	struct veth_pool pools[VETH_FAMILIES];
	struct connections_usage usage; /* not long ago */
	int hold; /* of the rules, firewall_hold(): given up, once the interface is there, to wait for an address */
};

/*
 * Makes and sets up both ends; host: of NETLINK_ROUTE. Each address is taken by a lock of the pool's descriptor, whose
 * copy the session's init holds. 0; -EDQUOT: a pool has no free address; -errno. On failure nothing is left.
 * *ret_problem: a malloced sentence.
 */
int veth_make(struct netlink *host, int network_namespace, const char *rules, struct veth *veth,
	      char **ret_problem) _must_check_;
