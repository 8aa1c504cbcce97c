/* SPDX-License-Identifier: BSD-3-Clause OR GPL-2.0-or-later */
#pragma once

/* Values of the section network, and which of its keys go together. Pure. */

#include "common/cleanup.h"
#include "config/diagnostics.h"
#include "config/policy.h"

#include <stdbool.h>

/* Where ip-netns(8) keeps the named network namespaces, and files for those who are in them. */
#define NETWORK_NAMES           "/run/netns"
#define NETWORK_ETC             "/etc/netns"
#define NETWORK_NAME_MAX        200 /* bytes; NAME_MAX is 255 */

#define NETWORK_CONNECTIONS_MAX (UINT64_C(1) << 20) /* more than a kernel tracks by default */

/*
 * A name in NETWORK_NAMES: letters, digits, '_', '.' and '-', of which the last two do not begin it. 0 and a
 * malloced name; -EINVAL with *ret_problem, a malloced sentence; -ENOMEM.
 */
int network_name_parse(const char *text, char **ret, char **ret_problem) _must_check_;

/* What /etc/hosts and /etc/resolv.conf are in a session, besides a path: what goes with it, and the host's. */
#define NETWORK_FILE_SESSION "session"
#define NETWORK_FILE_HOST    "host"

/* One of these, or an absolute path, normalised. Likewise. */
int network_file_parse(const char *text, char **ret, char **ret_problem) _must_check_;

/* Keys of the section without each other, or that mean nothing together. False when there was an error. */
bool network_check(const struct policy *policy, struct diagnostics *diag);
