/* SPDX-License-Identifier: BSD-3-Clause OR GPL-2.0-or-later */
#pragma once

/* How many processes have which value of something, and which have another than most. Pure. */

#include "common/cleanup.h"

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

#define TALLY_PIDS 8 /* named of each value */

struct variant {
	char *value;
	size_t count;
	pid_t pids[TALLY_PIDS];
};

struct tally {
	char *name;
	struct variant *variants; /* in the order in which they were met */
	size_t count;
	size_t total; /* processes */
};

struct tallies {
	struct tally *items;
	size_t count;
};

/* 0 or -ENOMEM. */
int tallies_add(struct tallies *tallies, const char *name, const char *value, pid_t pid) _must_check_;
void tallies_release(struct tallies *tallies);

/* The value of most; of as many the one that was met first. There is one. */
const struct variant *tally_most(const struct tally *tally);

/* "77 78 79", or with "and 5 more"; malloced, NULL when memory ran out. */
char *variant_pids(const struct variant *variant);
