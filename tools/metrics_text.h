/* SPDX-License-Identifier: BSD-3-Clause OR GPL-2.0-or-later */
#pragma once

/*
 * Metrics in a text that is valid in both formats there are: Prometheus's own (text/plain; version=0.0.4), which
 * node_exporter reads, and OpenMetrics 1.0. They agree on everything here but the type of counters: one wants the name
 * of the samples, NAME_total, in the TYPE line, the other wants it without the ending. So counters have no TYPE line,
 * which both allow, and are untyped; the name says what they are. The last line, "# EOF", is a comment to one of them.
 */

#include "common/cleanup.h"

#include <stdint.h>

/* One family: its samples follow. A help text has neither newline nor backslash. */
void metrics_gauge(FILE *out, const char *name, const char *help);
void metrics_counter(FILE *out, const char *name, const char *help); /* name: with _total */

/* One pair of a sample; value: any text. */
struct metrics_label {
	const char *name;
	const char *value;
};

/* labels: ended by one without a name; NULL: none. */
void metrics_sample(FILE *out, const char *name, const struct metrics_label *labels, uint64_t value);
void metrics_sample_seconds(FILE *out, const char *name, uint64_t milliseconds);

void metrics_end(FILE *out);
