/* SPDX-License-Identifier: BSD-3-Clause OR GPL-2.0-or-later */
#pragma once

/*
 * Values of others in log lines. The line is read by people and by programs
 * that split it into KEY=value words: no value may end its word, begin another, or reach a terminal as an escape
 * sequence.
 */

#include "common/cleanup.h"

#define LOG_WORD_MAX 128 /* bytes of a value that are logged */

/* One logged value: "-" when empty; bytes that are no visible ASCII, and '\\' and '"', as \xNN; cut at LOG_WORD_MAX
 * with "…" as "...". */
struct log_word {
	char text[LOG_WORD_MAX * 4 + sizeof("...")];
};

struct log_word log_word(const char *value);

/*
 * The same of a longer value, such as a command: malloced, cut at LOG_VALUE_MAX bytes. A line of the system's log holds
 * that. NULL when memory ran out.
 */
#define LOG_VALUE_MAX 1024
char *log_value(const char *value);

/* A sentence for the end of a line: malloced, control bytes as \xNN. NULL when memory ran out. */
char *log_sentence(const char *text);
