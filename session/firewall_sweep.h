/* SPDX-License-Identifier: BSD-3-Clause OR GPL-2.0-or-later */
#pragma once

/* Rules of policies that are no more: nobody is told when a policy changes, so a login that loads rules looks for them.
 */

#include "session/firewall.h"

#include <net/if.h>

/*
 * Takes away rules, but for these, that no session is under and that no login has needed for a day. hold: of
 * firewall_hold(), shared; where other logins are under way, nothing is done, and what
 * cannot be taken away stays. 0; -errno: hold is none any more.
 */
int firewall_sweep(int directory, int hold, const char *but) _must_check_;

/* Whether one of these is of a session, under whatever rules. */
bool firewall_any_session(const struct if_nameindex *interfaces) _must_check_;

/* How many interfaces of the network namespace are of sessions under these rules. */
unsigned firewall_count_sessions(const struct if_nameindex *interfaces, const char *name);
