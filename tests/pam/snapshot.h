/* SPDX-License-Identifier: BSD-3-Clause OR GPL-2.0-or-later */
#pragma once

/* Everything of a process that a guest must give back as it found it. */

#include "common/namespaces.h"

#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/resource.h>
#include <sys/types.h>

#define SNAPSHOT_FDS     256
#define SNAPSHOT_SIGNALS 65

struct snapshot_fd {
	int number;
	int flags; /* FD_CLOEXEC */
	char target[96];
};

struct snapshot {
	struct snapshot_fd fds[SNAPSHOT_FDS];
	size_t fd_count;
	sigset_t mask;
	struct sigaction actions[SNAPSHOT_SIGNALS];
	mode_t file_mask;
	char *environment;
	char *directory;
	char *locale;
	struct rlimit limits[RLIM_NLIMITS];
	int log_mask;
	uid_t uids[3];
	gid_t gids[3];
	uint64_t namespaces[NAMESPACE_KINDS];
	bool children; /* it has any, ended ones too */
};

void snapshot_take(struct snapshot *ret);

enum snapshot_parts {
	SNAPSHOT_FDS_TOO = 1,
	SNAPSHOT_NAMESPACES_TOO = 2,
};

/* Fails the case where they differ. Descriptors and namespaces only if asked for: an open session changes those. */
void snapshot_compare(const struct snapshot *before, const struct snapshot *after, unsigned parts);

/*
 * How many descriptors `after` has that `before` has not and whose target begins with `prefix`;
 * each must be O_CLOEXEC.
 */
size_t snapshot_new_fds(const struct snapshot *before, const struct snapshot *after, const char *prefix);
