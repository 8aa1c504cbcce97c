/* SPDX-License-Identifier: BSD-3-Clause OR GPL-2.0-or-later */
#pragma once

/* The init of a session that its user makes without root, own_session.h. */

#include "session/plan.h"

/* How long making the session may take: a file system of the user's may answer late, or never. */
#define OWN_START_MS 20000

/*
 * Does the plan's steps of place init and reports to `maker`, a socket, whose next word is that it has entered. Then
 * the init has nothing of the host and can do nothing, and only keeps the session: the end of the socket tells. It
 * ends with its parent. `questions`: a socket on which whoever is outside answers with the owner's uid to a file.
 */
_Noreturn void own_init(const struct plan *plan, int questions, int maker);
