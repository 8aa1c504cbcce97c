/* SPDX-License-Identifier: BSD-3-Clause OR GPL-2.0-or-later */
#pragma once

/*
 * What the helper and nsisolate-veth say to each other, on a socket of their own and as messages of protocol.h:
 *
 *   order   version check-only masquerade connections resolver-file, count and items of pool, count and items of egress
 *           + descriptors: of each pool the file of its locks; none with check-only
 *   link    version + descriptor: the session's network namespace, once there is one; never with check-only
 *   answer  version "ready" interface addresses, both empty with check-only; or version "failed" sentence
 */

#include "session/firewall_text.h"
#include "session/protocol.h"

#define NETWORK_POOLS_MAX 2

struct network_order {
	char **pool;   /* at most NETWORK_POOLS_MAX; malloced */
	char **egress; /* malloced */
	bool masquerade;
	uint64_t connections;
	bool check_only; /* mode audit: whether a session could be had, and nothing is loaded or made */
	char *resolver;  /* malloced: path of the sessions' resolver file */
	int locks[NETWORK_POOLS_MAX];
	size_t lock_count;
};

void network_order_encode(const struct policy *policy, struct message *message);

/* Takes the descriptors, in every case. 0; -EPROTO: of another version; -EBADMSG; -ENOMEM. */
int network_order_decode(const struct message *message, const int *fds, size_t fd_count,
			 struct network_order *ret) _must_check_;
void network_order_release(struct network_order *order);
