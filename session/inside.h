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

/* Of one session: who is asked, and what was said. */
struct inside_request {
	pid_t pid;
	uint64_t namespaces[NAMESPACE_KINDS]; /* which its namespaces must be: a reused pid has others */
	int result;                           /* 0; -ESRCH when they are not; or -errno */
	struct inside inside;                 /* where it is 0 */
};

/* Room for so many, all 0, in memory that the child shares. NULL when memory ran out. */
struct inside_request *inside_requests_new(size_t count) _must_check_;
void inside_requests_free(struct inside_request *requests, size_t count);

/*
 * Forks one child that joins the UTS and network namespaces of each process in turn, and nothing else, asks, and exits:
 * it runs no program and opens no file in there. Each request has a result. 0 or -errno: there is no child, or it
 * failed.
 */
int inside_read_many(struct inside_request *requests, size_t count) _must_check_;

/* The same of one. 0, or what kept it from being asked. */
int inside_read(pid_t pid, const uint64_t namespaces[NAMESPACE_KINDS], struct inside *ret) _must_check_;
