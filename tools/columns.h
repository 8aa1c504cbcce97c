/* SPDX-License-Identifier: BSD-3-Clause OR GPL-2.0-or-later */
#pragma once

/*
 * Tables by libsmartcols. A command describes its columns in ONE table, from
 * which heading, width, alignment, JSON type, help and the accepted names of
 * --output follow.
 */

#include "common/cleanup.h"

#include <libsmartcols.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum output_style {
	OUTPUT_TABLE,
	OUTPUT_RAW,   /* -r */
	OUTPUT_PAIRS, /* -P */
	OUTPUT_JSON,  /* -J */
};

/* True where a program reads: exact times and plain numbers instead of rounded ones. */
static inline bool for_programs(enum output_style style)
{
	return style != OUTPUT_TABLE;
}

#define COLUMN_FLAT 2 /* shown only in -r and -P, which have no trees */

struct column {
	const char *name;
	const char *help;
	double width;  /* libsmartcols hint: below 1 a share of the terminal, else columns */
	int flags;     /* SCOLS_FL_… */
	int json_type; /* SCOLS_JSON_…; an array's cell has its elements on lines of their own in OUTPUT_JSON, already
			  fit for display */
	int shown;     /* without --output: false, true or COLUMN_FLAT */
	int argument;  /* for `cell`: lets several columns share it */
	/* 0 and a malloced text, unsanitised, or NULL for an empty cell; -ENOMEM */
	int (*cell)(const struct column *column, const void *row, enum output_style style, char **ret);
};

/* What the user asked of the output. */
struct layout {
	enum output_style style;
	const char *output; /* of --output: "A,B" or "+A,B"; NULL: the default columns */
	bool all_columns;
	bool no_headings;
	bool colors;
	unsigned width; /* of a terminal that standard output only leads to; 0: as it is itself */
};

struct report;

/*
 * 0; -EINVAL with *ret_problem (malloced sentence) when --output names no
 * column; -ENOMEM. `name` is the JSON array's.
 */
int report_new(const char *name, const struct column *columns, size_t count, const struct layout *layout,
	       struct report **ret, char **ret_problem) _must_check_;

/* True when the column called `name` is among those to be printed. */
bool report_shows(const struct report *report, const char *name);

/* Adds a line, below `parent` in a tree; its text is copied. 0 or -ENOMEM. */
int report_add(struct report *report, const void *row, struct libscols_line *parent,
	       struct libscols_line **ret_line) _must_check_;

/*
 * The same of a line of another kind than its parent: in JSON it is not in "children" but in an array of this name,
 * which is a constant. Of a line of a table that has such lines anywhere, every child is in one.
 */
int report_add_to(struct report *report, const void *row, struct libscols_line *parent, const char *array,
		  struct libscols_line **ret_line) _must_check_;

/* Prints to standard output. 0 or -errno. */
/*
 * The cells of one column are coloured from then on: `color` returns a name of terminal-colors.d(5) or NULL. Nothing
 * where colours are not wanted.
 */
void report_color(struct report *report, const char *name, const char *(*color)(const void *row));

int report_print(struct report *report) _must_check_;

struct report *report_free(struct report *report);
static inline void report_freep(struct report **report)
{
	*report = report_free(*report);
}

/* For `cell`: hands over a malloced text, NULL when memory ran out; or prints a number. 0 or -ENOMEM. */
int cell_text(char *text, char **ret) _must_check_;
int cell_number(uint64_t value, char **ret) _must_check_;

/* Help: a line a column. */
void columns_help(const struct column *columns, size_t count, FILE *out);
