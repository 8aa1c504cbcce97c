/* SPDX-License-Identifier: BSD-3-Clause OR GPL-2.0-or-later */
#pragma once

/* The single requests that a session's interface is made of, rtnetlink(7). Each gives 0 or the kernel's -errno. */

#include "config/prefix.h"
#include "session/netlink.h"

#define HARDWARE_BYTES 6 /* ETH_ALEN */

struct veth_hardware {
	unsigned char host[HARDWARE_BYTES], inside[HARDWARE_BYTES];
};

/* A pair whose other end, VETH_INSIDE, is in the network namespace from the start. -EEXIST: the name is taken. */
int veth_create(struct netlink *netlink, const char *name, int network_namespace,
		const struct veth_hardware *hardware) _must_check_;

/* While an end is down: no link-local address, IPv4 forwarded, sources checked, nothing redirected. */
int veth_prepare(struct netlink *netlink, unsigned index) _must_check_;

int veth_up(struct netlink *netlink, unsigned index) _must_check_;

/*
 * Waits until an end that is up sends: the kernel learns only in the background that the other end has come up, too,
 * and drops until then, among the rest the first answer to a session. 0; -ETIMEDOUT; -errno.
 */
int veth_wait(struct netlink *netlink, unsigned index) _must_check_;
int veth_delete(struct netlink *netlink, unsigned index);
int link_index(struct netlink *netlink, const char *name, unsigned *ret) _must_check_;

/* address: a whole one, on a network of its own. */
int address_add(struct netlink *netlink, unsigned index, const struct prefix *address) _must_check_;
int neighbour_add(struct netlink *netlink, unsigned index, const struct prefix *address,
		  const unsigned char hardware[HARDWARE_BYTES]) _must_check_;

/* -EEXIST: there is a route to this address. */
int route_to_session(struct netlink *netlink, unsigned index, const struct prefix *address) _must_check_;
int route_by_default(struct netlink *netlink, unsigned index, const struct prefix *gateway) _must_check_;

/* True if the machine itself has the address, or it is one of a broadcast. */
bool route_is_own(struct netlink *netlink, const struct prefix *address) _must_check_;
