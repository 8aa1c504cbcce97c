/* SPDX-License-Identifier: BSD-3-Clause OR GPL-2.0-or-later */
#pragma once

/* The name servers of a resolver file, resolv.conf(5): where the egress item "dns" goes. */

#include "session/firewall_text.h"

#define RESOLVER_FILE "/etc/resolv.conf"

/* The file that names the servers of a session with network.mode "veth". */
static inline const char *resolver_file(const struct policy *policy)
{
	return policy->network.resolv_conf[0] == '/' ? policy->network.resolv_conf : RESOLVER_FILE;
}

/*
 * Adds them to the order. 0; -EINVAL: it names none, or one that no session reaches, such as 127.0.0.53; -errno.
 * *ret_problem: a malloced sentence.
 */
int resolver_read(const char *path, struct firewall_order *order, char **ret_problem) _must_check_;
