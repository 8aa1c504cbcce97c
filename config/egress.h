/* SPDX-License-Identifier: BSD-3-Clause OR GPL-2.0-or-later */
#pragma once

/*
 * network.egress, item by item: "DESTINATION [PROTOCOL [PORTS]]", where DESTINATION is a prefix, "any", "host", or "!"
 * and a prefix; or "dns" alone. Pure.
 */

#include "config/prefix.h"

#include <stdint.h>

enum egress_kind {
	EGRESS_PREFIX,
	EGRESS_ANY,  /* every address but those that are special or of this machine */
	EGRESS_HOST, /* the addresses of this machine itself */
	EGRESS_DNS,  /* the name servers of the session's resolver file, port 53 */
};

enum egress_protocol {
	EGRESS_ALL, /* TCP, UDP, and ICMP echo requests */
	EGRESS_TCP,
	EGRESS_UDP,
	EGRESS_ICMP, /* echo requests */
};

#define EGRESS_PORTS_MAX 16

struct egress {
	bool excluded; /* "!": never, whatever other items say */
	enum egress_kind kind;
	struct prefix prefix; /* of EGRESS_PREFIX */
	enum egress_protocol protocol;
	struct {
		uint16_t from, to;
	} ports[EGRESS_PORTS_MAX];
	size_t port_count; /* 0: every port */
};

/* 0; -EINVAL with *ret_problem, a malloced sentence; -ENOMEM. */
int egress_parse(const char *text, struct egress *ret, char **ret_problem) _must_check_;

/* In canonical text: "10.0.0.0/8 tcp 22,8000-8100"; malloced, NULL when memory ran out. */
char *egress_format(const struct egress *egress);
