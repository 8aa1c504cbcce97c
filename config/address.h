/* SPDX-License-Identifier: BSD-3-Clause OR GPL-2.0-or-later */
#pragma once

/*
 * Where a login comes from: PAM_RHOST against the prefixes of a policy. Literal
 * addresses only: a name is never looked up, since whoever runs its zone would decide. Pure.
 */

#include "common/cleanup.h"

#include <stdbool.h>

#define ADDRESS_LOCAL "local" /* no remote host */

/*
 * "10.0.0.0/8", "2001:db8::/32", an address alone, or "local", in canonical
 * text: IPv4-mapped IPv6 is IPv4, a whole address has no length. 0 and a
 * malloced string; -EINVAL with *ret_problem, a malloced sentence; -ENOMEM.
 */
int address_prefix_parse(const char *text, char **ret, char **ret_problem) _must_check_;

/* True for a literal address and for no remote host at all: what address_matches() can judge. */
bool address_is_known(const char *remote_host);

/*
 * True if one of the canonical prefixes, NULL-terminated, holds remote_host, a
 * literal address (%zone behind a link-local one is passed over), or if
 * remote_host is NULL or "" and "local" is among them. A name matches nothing.
 */
bool address_matches(char *const *prefixes, const char *remote_host);
