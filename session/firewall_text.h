/* SPDX-License-Identifier: BSD-3-Clause OR GPL-2.0-or-later */
#pragma once

/*
 * What the host lets the sessions of one policy do, as text for nft(8): a set of chains in the one table that is
 * ours, never anything of a single session. Sessions are known by their interfaces: the name begins with that of the
 * rules, and all are in one group. Pure.
 */

#include "config/policy.h"
#include "config/prefix.h"

#include <stdbool.h>
#include <stdint.h>

#define FIREWALL_TABLE       "nsisolate" /* of family inet */
#define FIREWALL_GROUP       7238505     /* IFLA_GROUP of every session's interface: "nsi" */
#define FIREWALL_NAME_LENGTH 8           /* "ns" and six of a-z2-7 */
#define FIREWALL_SERVERS_MAX 3           /* MAXNS of resolv.conf(5) */

/* Whatever the rules depend on; two policies with the same have the same rules. */
struct firewall_order {
	char *const *pool;   /* canonical, as in the policy; NULL: none */
	char *const *egress; /* likewise */
	bool masquerade;
	uint64_t connections;                        /* that one address may have open through the host or to it */
	struct prefix servers[FIREWALL_SERVERS_MAX]; /* whole addresses: where "dns" goes */
	size_t server_count;
};

struct firewall_rules {
	char name[FIREWALL_NAME_LENGTH + 1]; /* the chains' and interfaces' names begin so */
	uint64_t hash;                       /* of the text, but for the name */
	char *text;                          /* malloced: loads the chains in one transaction, in place of older ones */
	char *unload;                        /* malloced: takes them away */
};

/* True when one of the items is "dns". */
bool firewall_needs_servers(char *const *egress) _must_check_;

/* 0; -EINVAL when an item of pool or egress is not canonical; -ENOMEM. */
int firewall_compose(const struct firewall_order *order, struct firewall_rules *ret) _must_check_;
void firewall_rules_release(struct firewall_rules *rules);
