/* SPDX-License-Identifier: BSD-3-Clause OR GPL-2.0-or-later */
#pragma once

/* The host's ends of sessions' interfaces, as the kernel has them. */

#include "session/netlink.h"

#include <net/if.h>
#include <stdbool.h>
#include <stddef.h>

struct veth_link {
	char name[IF_NAMESIZE];
	bool up;    /* IFF_UP */
	bool group; /* it is in the group by which the rules know a session's interface */
};

struct veth_list {
	struct veth_link *items;
	size_t count;
};

/* Those in the group, and those whose name is made like a session's. netlink: of NETLINK_ROUTE. 0 or -errno. */
int veth_list_read(struct netlink *netlink, struct veth_list *ret) _must_check_;
void veth_list_release(struct veth_list *list);

/* "ns", and then as many of the digits as fit. */
bool veth_is_ours_by_name(const char *name) _must_check_;

/* NULL: there is none of this name. */
const struct veth_link *veth_list_find(const struct veth_list *list, const char *name);
