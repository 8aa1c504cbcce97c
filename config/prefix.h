/* SPDX-License-Identifier: BSD-3-Clause OR GPL-2.0-or-later */
#pragma once

/* Prefixes of addresses, IPv4 and IPv6. Literal only: no name is looked up. Pure. */

#include "common/cleanup.h"

#include <netinet/in.h>
#include <stdbool.h>

#define PREFIX_BYTES     sizeof(struct in6_addr)
#define PREFIX_TEXT_SIZE (INET6_ADDRSTRLEN + sizeof("/128"))

struct prefix {
	int family;                        /* AF_INET or AF_INET6 */
	unsigned char bytes[PREFIX_BYTES]; /* in network order; behind the prefix all zero */
	unsigned bits;                     /* of the family's */
};

/* 32 or 128. */
unsigned prefix_family_bits(int family);

/* A whole address; inet_pton(3) takes no name and no abbreviation. An IPv4-mapped one stays IPv6. */
bool prefix_parse_address(const char *text, struct prefix *ret) _must_check_;

/*
 * The length of a prefix, digits alone without a zero before them, up to max. False if it is anything else.
 */
bool prefix_parse_length(const char *text, unsigned max, unsigned *ret) _must_check_;

/* ::ffff:a.b.c.d with at least the bits that say so becomes a.b.c.d, RFC 4291, 2.5.5.2. */
void prefix_unmap(struct prefix *prefix);

/*
 * "10.0.0.0/8", "2001:db8::/32" or an address alone, IPv4-mapped IPv6 as IPv4. 0; -ENOENT: the part before the slash
 * is no address, and nothing is said; -EINVAL with *ret_problem, a malloced sentence; -ENOMEM.
 */
int prefix_parse(const char *text, struct prefix *ret, char **ret_problem) _must_check_;

/* In canonical text: a whole address has no length. */
const char *prefix_format(const struct prefix *prefix, char buffer[PREFIX_TEXT_SIZE]);

/* True if all of `inner` is in `outer`. */
bool prefix_holds(const struct prefix *outer, const struct prefix *inner);
