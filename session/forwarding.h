/* SPDX-License-Identifier: BSD-3-Clause OR GPL-2.0-or-later */
#pragma once

/*
 * Whether the machine forwards between sessions and where their rules let them go. The sysctls of other interfaces
 * than a session's own are the administrator's: they are looked at, and never set.
 */

#include "session/firewall_text.h"
#include "session/netlink.h"

/*
 * netlink: of NETLINK_ROUTE. 0; -ENETUNREACH with *ret_problem, a malloced sentence that names the sysctl, when what
 * comes in by an interface that is on the way to a destination is not forwarded. A destination without a route needs
 * none. -errno.
 */
int forwarding_check(struct netlink *netlink, const struct firewall_order *order, char **ret_problem) _must_check_;
