/* SPDX-License-Identifier: BSD-3-Clause OR GPL-2.0-or-later */
#pragma once

/* What only a process inside a session's UTS and network namespaces can ask the kernel. */

#include "common/cleanup.h"
#include "common/namespaces.h"

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

struct inside_address {
	char interface[16]; /* IFNAMSIZ */
	bool up;
	char address[64]; /* "127.0.0.1/8", or "" for an interface without one */
};

#define INSIDE_ADDRESSES 64

struct inside {
	char hostname[65]; /* uname(2) */
	char domainname[65];
	struct inside_address addresses[INSIDE_ADDRESSES];
	size_t count;
	bool truncated; /* there are more addresses */
};

/*
 * Forks a child that joins the UTS and network namespaces of process `pid`,
 * and nothing else, asks, and exits: it runs no program and opens no file in there. The
 * namespaces must have these inode numbers (a reused pid has others). 0,
 * -ESRCH when they have not, or -errno.
 */
int inside_read(pid_t pid, const uint64_t namespaces[NAMESPACE_KINDS], struct inside *ret) _must_check_;
