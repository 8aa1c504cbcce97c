/* SPDX-License-Identifier: BSD-3-Clause OR GPL-2.0-or-later */
#pragma once

/*
 * What the host keeps of its sessions' networks, below /run/nsisolate/network/COOKIE (root only), one directory for
 * each network namespace that logins come from:
 *
 *   ipv4, ipv6-PREFIX   nothing but locks: an address is taken by an open file description lock on the byte of its
 *                       number, which the session's init holds by the inherited descriptor; pools that overlap
 *                       share their addresses
 *   loading             whoever has its lock loads rules
 *   NAME.nft, NAME      rules as they were loaded, and what the kernel then had
 */

#include "config/prefix.h"

#include <stdint.h>

#define NETWORK_DIRECTORY "network" /* below RECORD_ROOT */

/* That of the calling process's network namespace: no other ever has it, socket(7) SO_NETNS_COOKIE. 0 or -errno. */
int network_cookie(uint64_t *ret) _must_check_;

/* Opens the directory, making it when missing. -EPERM: others than root can write to it; -errno. */
int network_directory_open(void) _must_check_;

/* The same, but only if it is there: -ENOENT. */
int network_directory_look(void) _must_check_;

/* Opens the file of the locks on this pool's addresses, a copy of its own each time. A descriptor or -errno. */
int network_locks_open(int directory, const struct prefix *pool) _must_check_;

/* The byte that stands for a whole address in its file. */
off_t network_lock_byte(const struct prefix *address);
