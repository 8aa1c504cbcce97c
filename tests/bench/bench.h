/* SPDX-License-Identifier: BSD-3-Clause OR GPL-2.0-or-later */
#pragma once

/* What the benchmarks share. Whatever fails ends them: a figure then means nothing. */

#include "common/cleanup.h"

#include <stddef.h>

double now_us(void);

void die(const char *what) __attribute__((noreturn));

/* The time of pam_open_session(3) alone; the session is closed before this returns. It must have isolated the user. */
double time_module(const char *confdir, const char *service, const char *user);

/* The head of the table that the benchmarks share, in Markdown; a row goes with it. */
void print_head(void);

/* Microseconds or whatever else: `ours` and `peer` hold `count` values each, which are sorted. */
void print_row(const char *what, const char *peer_isolates, double *ours, double *peer, size_t count);

/* Of at least one value, which are sorted. 0.5 is the median. */
double quantile(double *values, size_t count, double share);
