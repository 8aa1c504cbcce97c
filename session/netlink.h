/* SPDX-License-Identifier: BSD-3-Clause OR GPL-2.0-or-later */
#pragma once

/*
 * Requests to the kernel over netlink(7), by libmnl: one request, its answer, and
 * the kernel's own words where it refuses. Not for the helper, which is static: Debian has no libmnl.a.
 */

#include "common/cleanup.h"

#include <libmnl/libmnl.h>
#include <stdint.h>

#define NETLINK_MESSAGE_MAX 8192 /* bytes of a request */

struct netlink {
	struct mnl_socket *socket;
	unsigned sequence;
	char reason[128]; /* why the last request failed, in the kernel's words; "" when it gave none */
};

/* A socket of `bus` (NETLINK_ROUTE, NETLINK_NETFILTER) in this process's network namespace. 0 or -errno. */
int netlink_open(int bus, struct netlink *ret) _must_check_;

/* The same in the network namespace of this descriptor; the process is back in its own afterwards. 0 or -errno. */
int netlink_open_in(int network_namespace, int bus, struct netlink *ret) _must_check_;

void netlink_close(struct netlink *netlink);

/* Begins a request in `buffer`, which has NETLINK_MESSAGE_MAX bytes. NLM_F_REQUEST is implied. */
struct nlmsghdr *netlink_request(void *buffer, uint16_t type, uint16_t flags);

/* Of `size` bytes of attributes the one after `before`, the first when that is NULL; NULL after the last. */
const struct nlattr *netlink_next(const void *from, size_t size, const struct nlattr *before);

/* Sends it and waits for its acknowledgement. 0 or the kernel's -errno, then `reason` is set. */
int netlink_do(struct netlink *netlink, struct nlmsghdr *request) _must_check_;

/*
 * Sends it and hands each message of the answer, of a dump as well, to `each`, libmnl's way: MNL_CB_OK goes on,
 * MNL_CB_ERROR ends it with errno. 0; -EINTR: what was listed changed meanwhile, ask again; -errno.
 */
int netlink_ask(struct netlink *netlink, struct nlmsghdr *request, mnl_cb_t each, void *data) _must_check_;
