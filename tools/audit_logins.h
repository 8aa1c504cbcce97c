/* SPDX-License-Identifier: BSD-3-Clause OR GPL-2.0-or-later */
#pragma once

/* The login processes that records name, sorted. They are in their session's namespaces but for that of PIDs, or about
 * to leave them. */

#include "tools/sessions.h"

#include <sys/types.h>

struct audit_login {
	pid_t pid;
	uint64_t start; /* clock ticks since boot, as the reader finds it */
};

struct audit_logins {
	struct audit_login *items;
	size_t count;
};

/* 0 or -ENOMEM. */
int audit_logins_make(const struct sessions *sessions, struct audit_logins *ret) _must_check_;
void audit_logins_release(struct audit_logins *logins);

/* Whether a process is one; by its pid alone, whether it may be. */
bool audit_logins_have(const struct audit_logins *logins, pid_t pid, uint64_t start);
bool audit_logins_have_pid(const struct audit_logins *logins, pid_t pid);
