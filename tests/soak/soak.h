/* SPDX-License-Identifier: BSD-3-Clause OR GPL-2.0-or-later */
#pragma once

/* The two parts of the soak, and what they share. */

#include "soak/login.h"

#include <stdbool.h>
#include <stdint.h>

struct soak {
	unsigned alive, cycles, at_once;
	uint64_t random;
	struct login_result *results; /* shared with the logins; room for alive or at_once of them */
	bool failed;
};

/* The next random number below `below`, which is not 0. */
unsigned soak_random(struct soak *soak, unsigned below);

/* Says what is wrong; the soak goes on, and fails in the end. */
__attribute__((format(printf, 2, 3))) void soak_complain(struct soak *soak, const char *format, ...);

/* True every few seconds, when a line of progress is due. */
bool soak_progress_due(void);

/* Seconds since the start. */
double soak_seconds(void);

/* Forks a login with a result of its own, reset before. `closed`: a descriptor that the login must not have, or -1. */
pid_t soak_login(const struct login_order *order, struct login_result *result, int closed);

/* Many sessions at once, and what one of them costs. */
void soak_alive(struct soak *soak);

/* Many sessions one after another, a few at a time, of which some are killed. */
void soak_cycles(struct soak *soak);
