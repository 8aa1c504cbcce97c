/* SPDX-License-Identifier: BSD-3-Clause OR GPL-2.0-or-later */
#pragma once

/*
 * A directory that holds homes, in which a session sees that of its user alone: an empty tmpfs over it, read-only, with
 * the directories that lead to the home, and the home itself, a copy with all that is mounted below it. What the host
 * had mounted on the directory and below it is taken away within the session: its mount table names no other home.
 */

#include "session/plan.h"

/* The copy of the home step->value, or where that is NULL a new empty tmpfs: detached. A descriptor or -errno. */
int homes_prepare(const struct step *step) _must_check_;

/* Covers step->target, and attaches there what homes_prepare() gave. 0 or -errno. */
int homes_finish(const struct step *step, int tree) _must_check_;
