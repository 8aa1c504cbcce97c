/* SPDX-License-Identifier: BSD-3-Clause OR GPL-2.0-or-later */
#pragma once

/*
 * Text of others made fit to be shown: records, names, command lines and
 * policy files may hold escape sequences, broken UTF-8 or characters that
 * reorder a line.
 */

#include "common/cleanup.h"

#include <stdbool.h>
#include <stdint.h>

/*
 * Every byte of a character that this locale cannot print in a column of its
 * own as \xNN; a backslash before an 'x' as \x5c, so that it can be undone.
 * NULL reads as "". Malloced; NULL when memory ran out.
 */
char *display_text(const char *text);

/* True for text that display_text() leaves as it is, without a backslash. */
bool display_is_plain(const char *text);

/* Likewise for text that has its control characters escaped already: backslashes stay as they are. */
char *display_escaped(const char *text);

/* Seconds since the epoch: "2026-11-22 00:31", or with `exact` "2026-11-22T00:31:13+01:00". Malloced; NULL when memory
 * ran out. */
char *display_time(int64_t seconds, bool exact);

/* Seconds of CPU time as ps(1) prints them: "[DD-]HH:MM:SS". */
char *display_cpu_time(uint64_t seconds);

/* Bytes in at most five columns: "512B", "4.2M". */
char *display_size(uint64_t bytes);
