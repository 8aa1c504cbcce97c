/* SPDX-License-Identifier: BSD-3-Clause OR GPL-2.0-or-later */
#pragma once

/* Whether this kernel can carry plans out: what they need of it, and each need tried in children that end at once. */

#include "common/cleanup.h"
#include "common/namespaces.h"
#include "session/plan.h"

#include <stdint.h>

enum probe {
	PROBE_NAMESPACE,                /* + an enum namespace_kind */
	PROBE_CLONE3 = NAMESPACE_KINDS, /* clone3(2) */
	PROBE_PIDFD,                    /* pidfd_open(2) */
	PROBE_OPENAT2,                  /* openat2(2) */
	PROBE_PROPAGATION,              /* mount_setattr(2) of the whole tree */
	PROBE_OPEN_TREE,                /* open_tree(2) */
	PROBE_PROC,                     /* a file system, by fsopen(2) and fsmount(2), as the next three */
	PROBE_SYSFS,
	PROBE_TMPFS,
	PROBE_MQUEUE,
	PROBE_MOVE_MOUNT, /* move_mount(2) */
	PROBES,
};

#define PROBE_UNTRIED (-1)

/* What it is called in a sentence: "a network namespace", "the file system mqueue". */
const char *probe_name(enum probe probe);

/* A set of probes, bit by bit. Pure. */
uint32_t probe_needs(const struct plan *plan);
static inline uint32_t probe_bit(unsigned probe)
{
	return UINT32_C(1) << probe;
}

/*
 * Tries each of `needs` as the session's init would do it, in children with new namespaces of their own: nothing
 * outside them changes. Only root can. ret_errors: 0, an errno, or PROBE_UNTRIED where it is not needed, or what it
 * builds on has failed. 0 or -errno when no child could be made.
 */
int probe_kernel(uint32_t needs, int ret_errors[PROBES]) _must_check_;
