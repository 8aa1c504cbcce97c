/* SPDX-License-Identifier: BSD-3-Clause OR GPL-2.0-or-later */
#pragma once

/* What the benchmarks share. Whatever fails ends them: a figure then means nothing. */

#include "common/cleanup.h"

#include <stddef.h>

double now_us(void);

void die(const char *what) __attribute__((noreturn));

/* The time of pam_open_session(3) alone; the session is closed before this returns. It must have isolated the user. */
double time_module(const char *confdir, const char *service, const char *user);

#define COMMAND_WORDS_MAX 64

/* Cuts a command into words, which are apart by blanks and stay in it; ends with NULL. sh(1) is not what is measured.
 */
void split_command(char *command, char *ret[COMMAND_WORDS_MAX]);

/* Of a whole program, in microseconds from its start to its end. */
double time_command(char *const words[]);

/* Of true(1): what starting any program costs. */
double time_nothing(void);

/* The head of the table that the benchmarks share, in Markdown; a row goes with it. */
void print_head(void);

/* Microseconds or whatever else: `ours` and `peer` hold `count` values each, which are sorted. */
void print_row(const char *what, const char *peer_isolates, double *ours, double *peer, size_t count);

/* Of at least one value, which are sorted. 0.5 is the median. */
double quantile(double *values, size_t count, double share);
