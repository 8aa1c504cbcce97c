/* SPDX-License-Identifier: BSD-3-Clause OR GPL-2.0-or-later */
#pragma once

/* "Did you mean": the nearest of a set of names. Pure. */

#include "common/cleanup.h"

#include <stddef.h>

#define SUGGEST_DISTANCE 2 /* insertions, deletions, substitutions and swaps of neighbours */

struct suggestion {
	const char *name;  /* the nearest so far, or NULL */
	unsigned distance; /* its distance */
};

/* Offers one name: kept in *best if it is at most SUGGEST_DISTANCE away from `found` and nearer than what was kept. */
void suggest(struct suggestion *best, const char *found, const char *name);

/* Edit distance, counted up to `limit`; limit + 1 for everything further away or longer than 63 bytes. */
unsigned edit_distance(const char *a, const char *b, unsigned limit) _must_check_;
