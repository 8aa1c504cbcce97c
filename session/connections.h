/* SPDX-License-Identifier: BSD-3-Clause OR GPL-2.0-or-later */
#pragma once

/*
 * What the host's connection tracking still knows of sessions that are gone. Their TCP connections stay there for days,
 * since nobody ends them: who gets the address next would have them, with their answers and past the rules, and of
 * those of many sessions the table that the whole host needs would be full.
 */

#include "session/netlink.h"
#include "session/veth.h"

/*
 * netfilter: of NETLINK_NETFILTER. 0; -EOPNOTSUPP with *ret_problem, a malloced sentence: the kernel lacks what
 * connections_forget() needs; -errno.
 */
int connections_usage(struct netlink *netfilter, struct connections_usage *ret, char **ret_problem) _must_check_;

/*
 * Before the pool's address, which is locked by this descriptor, can be used. If it had a session before, or the table
 * is a quarter full, takes away every connection from an address of the pool that no session holds. 0 or -errno.
 */
int connections_forget(const struct veth_pool *pool, const struct connections_usage *usage) _must_check_;
