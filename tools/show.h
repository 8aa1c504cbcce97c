/* SPDX-License-Identifier: BSD-3-Clause OR GPL-2.0-or-later */
#pragma once

/*
 * The parts of nsinspect show. Each adds its piece to the document, and a sentence to `differences` for what is not as
 * record or policy say; in an array of objects what differs is marked by a key "differs".
 */

#include "common/cleanup.h"
#include "session/inside.h"
#include "tools/document.h"
#include "tools/inspect_sessions.h"
#include "tools/mounts.h"

void show_differ(json_object *differences, const char *format, ...) _printf_(2, 3);

/* What the plan has and the kernel shows, where the policy is still the login's. As plan_compare(). */
void show_plan(json_object *document, const struct session *session, const struct verdict *verdict,
	       const struct mount_list *host, const struct inside *inside, json_object *differences);

/* The host's end of its network, with the rules that it is under and what they counted; nothing without one. */
void show_network(json_object *document, const struct session *session, json_object *differences);

/*
 * Privileges, limits and control groups of its processes and of those of sessions nested in it, summarised: most have
 * the same. 0, -ENOMEM or what kept /proc from being read.
 */
int show_processes(json_object *document, const struct sessions *sessions, const struct session *session) _must_check_;

/* Who outside keeps a namespace of the session: by a descriptor, or by a mount of the host's. Likewise. */
int show_holders(json_object *document, const struct sessions *sessions, const struct session *session) _must_check_;
