/* SPDX-License-Identifier: BSD-3-Clause OR GPL-2.0-or-later */
#pragma once

/* Whether what a path leads to inside a session is what a step of its plan put there. */

#include "session/plan.h"
#include "tools/seen.h"

/* Steps that are judged by what their target leads to; the others by the mount table. */
bool step_is_seen(enum step_kind kind);

/*
 * NULL, or what is wrong, to follow the target: "can be seen, and its plan hides it". mounts: the session's; host: the
 * host's.
 */
const char *seen_judge(const struct step *step, const struct seen *seen, const struct mount_list *mounts,
		       const struct mount_list *host);
