/* SPDX-License-Identifier: BSD-3-Clause OR GPL-2.0-or-later */
#pragma once

/*
 * Directories of the host that a session sees in another place, or in another way. They are copied, detached, before
 * anything is covered, and attached when it is the step's turn: what one step covers is no other's source.
 */

#include "session/plan.h"

/* The directory that is kept for step->target: a copy, nosuid and nodev. A descriptor or -errno. */
int tree_of_store(const struct step *step) _must_check_;

/* The directory step->value of the host with all that is mounted below it: a copy, with the step's flags. Likewise. */
int tree_of_source(const struct step *step) _must_check_;

/* Attaches the copy at the step's target. 0 or -errno. */
int tree_attach(const struct step *step, int tree) _must_check_;
