/* SPDX-License-Identifier: BSD-3-Clause OR GPL-2.0-or-later */
#pragma once

/* How sessions are put together, and which is nested in which. For sessions.c and nested.c. */

#include "tools/sessions.h"

/* Adds a session with this view, which it takes over also when it fails. 0 or -ENOMEM. */
int sessions_append(struct sessions *sessions, struct record_view *view, struct session **ret) _must_check_;

/*
 * Finds the outer of sessions that were recorded in one directory from inside others, by the PID namespace that their
 * records and the kernel name; `pid_namespace` is the reader's. Then puts each session behind its outer. 0 or -ENOMEM.
 */
int sessions_arrange(struct sessions *sessions, uint64_t pid_namespace) _must_check_;

/* What depends on the outer and the logins of a session: apart, logins_alive and, of one that is alive, the state. */
void session_conclude(struct session *session, const uint64_t host[NAMESPACE_KINDS]);
