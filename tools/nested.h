/* SPDX-License-Identifier: BSD-3-Clause OR GPL-2.0-or-later */
#pragma once

/* Sessions that were recorded inside others. For sessions.c. */

#include "tools/nested_scout.h"
#include "tools/sessions.h"

/*
 * Adds, behind the sessions that were read from the reader's directory, those within them, each with its outer. In
 * bounded time, whatever is inside; a session of which not everything could be read has `cut`. scout: who knows in
 * which there is nothing; or NULL. 0 or -errno.
 */
int nested_add(struct sessions *sessions, struct nested_scout *scout) _must_check_;
