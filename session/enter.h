/* SPDX-License-Identifier: BSD-3-Clause OR GPL-2.0-or-later */
#pragma once

/*
 * An administrator's way into a session, by nsinspect(1). A process in between goes in and has a child there, which
 * becomes the child of the caller: the caller itself stays on the host, and its child has nothing of it.
 *
 *     caller ── fork ──> in between: control groups, one setns ── clone3(CLONE_PARENT) ──> the child, confined
 *
 * Nothing is looked for inside: the init is pinned by its pidfd, everything else was read before.
 */

#include "common/namespaces.h"
#include "session/confinement.h"

#include <stdint.h>
#include <sys/types.h>

struct enter_request {
	pid_t init;
	int init_pidfd;             /* of the init, which was seen to hold its lock afterwards */
	const uint64_t *namespaces; /* NAMESPACE_KINDS inode numbers: where the init was seen */
	uint64_t user_namespace;    /* that the record, which root alone wrote, says is the session's own; 0: none */
	const struct confinement *confinement;
	int streams[3]; /* become the child's standard streams */
	void (*become)(void *data,
		       int parent); /* in the child, for good; poll(2) tells of `parent` once the caller ends */
	void *data;
};

/* A child that is inside and waits. */
struct entered {
	pid_t pid; /* as seen from the caller, who has to wait for it */
	int channel;
};

/*
 * How long going in may take: a control group that is frozen meanwhile stops who comes into it, and nobody can tell for
 * how long.
 */
#define ENTER_MS 10000

/*
 * 0: the child is inside and waits for enter_go(); or -errno with *ret_text, a malloced sentence, or NULL. On failure
 * nothing of it is left but, perhaps, a process that is stopped in a frozen group and ends when that is thawed. SIGCHLD
 * must be blocked, and have its default action.
 */
int enter_start(const struct enter_request *request, struct entered *ret, char **ret_text) _must_check_;

/*
 * Lets the child go on. The channel must stay open for as long as the child is to live: its end is our end. 0 or
 * -errno.
 */
int enter_go(const struct entered *entered) _must_check_;

/* A child that waits ends. */
void entered_release(struct entered *entered);
