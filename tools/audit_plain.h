/* SPDX-License-Identifier: BSD-3-Clause OR GPL-2.0-or-later */
#pragma once

#include "common/namespaces.h"
#include "tools/holders.h"

#include <stdbool.h>
#include <sys/types.h>

/*
 * True for most processes of a host, of which nothing can be found: root's, in no session's namespaces, with none of
 * them open, and no session's init. False also where that cannot be read. `telling`: kinds that some session has of its
 * own.
 */
bool audit_is_plain(pid_t pid, const uint64_t host[NAMESPACE_KINDS], const bool telling[NAMESPACE_KINDS],
		    const struct holdings *holdings);

/* What an init of a session calls itself, as anybody can. */
#define AUDIT_INIT_NAME "nsisolate-init"

/* By the text of its status, where what a process calls itself stands first. */
bool audit_is_named_init(const char *status);
