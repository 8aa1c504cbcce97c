/* SPDX-License-Identifier: BSD-3-Clause OR GPL-2.0-or-later */
#pragma once

/*
 * A live session beside the plan that made it: its mounts and how they propagate, its network, its names, its clock,
 * and what its login processes can still do. For whoever shows both and for whoever looks for what differs.
 */

#include "session/inside.h"
#include "tools/mounts.h"
#include "tools/sessions.h"
#include "tools/verdict.h"

enum plan_part {
	PART_MOUNT,
	PART_LOOPBACK,
	PART_NAME,
	PART_PROPAGATION,
	PART_NETWORK,
	PART_INTERFACE,
	PART_SLIRP,
	PART_PRIVILEGES,
	PART_LIMITS,
	PART_NAMESPACE,
	PLAN_PARTS,
};

/* One step beside what the kernel has. */
struct plan_item {
	const struct plan *plan;
	const struct step *step;
	enum plan_part part;
	const char *kernel;     /* hostile text; plan_not_there itself; NULL: nothing */
	const char *difference; /* a sentence, with hostile text; NULL: they are the same */
};

/* What the kernel has of a step whose path is not there. */
extern const char plan_not_there[];

/* Called for each step that leaves something to look at, in the order of the plan. Not 0 ends the comparison. */
typedef int (*plan_visitor)(const struct plan_item *item, void *data);

/* True where the policy that decides now, the verdict, is that of the login: its plan is then the session's. */
bool plan_is_comparable(const struct session *session, const struct verdict *verdict);

/*
 * `host`: the mounts of the namespace that the session's were copied from; `inside`: what was said in there, or NULL
 * where it could not be asked, and is not compared. 0, what the visitor returned, or -errno: the
 * session may end at any moment.
 */
int plan_compare(const struct session *session, const struct verdict *verdict, const struct mount_list *host,
		 const struct inside *inside, plan_visitor visit, void *data) _must_check_;
