/* SPDX-License-Identifier: BSD-3-Clause OR GPL-2.0-or-later */
#include "tools/plain_table.h"

#include "common/cleanup.h"

#include <stdint.h>
#include <string.h>

struct layout_column {
	struct libscols_column *column;
	size_t heading, width;
	bool right;
};

struct plain {
	struct libscols_table *table;
	struct libscols_iter *at;
	struct layout_column *columns;
	size_t count;
};

/* Bytes of a text that is as wide as it is long: ASCII that prints. SIZE_MAX: it is not. */
static size_t width_of(const char *text)
{
	size_t width = 0;

	for (; text && *text; text++, width++)
		if (*text < ' ' || *text > '~')
			return SIZE_MAX;
	return width;
}

/* In a table without branches, the column that has them is like any other. */
static bool read_columns(struct plain *plain)
{
	const int known = SCOLS_FL_TRUNC | SCOLS_FL_TREE | SCOLS_FL_RIGHT;

	scols_reset_iter(plain->at, SCOLS_ITER_FORWARD);
	for (size_t i = 0; i < plain->count; i++) {
		struct layout_column *to = &plain->columns[i];
		int flags;

		if (scols_table_next_column(plain->table, plain->at, &to->column) != 0)
			return false;
		flags = scols_column_get_flags(to->column);
		to->right = flags & SCOLS_FL_RIGHT;
		to->heading = width_of(scols_column_get_name(to->column));
		if (flags & ~known || to->heading == SIZE_MAX)
			return false;
	}
	return true;
}

static const char *text_of(struct libscols_line *line, size_t column)
{
	const char *text = scols_cell_get_data(scols_line_get_cell(line, column));

	return text ? text : "";
}

static bool read_lines(struct plain *plain)
{
	struct libscols_line *line;

	scols_reset_iter(plain->at, SCOLS_ITER_FORWARD);
	while (scols_table_next_line(plain->table, plain->at, &line) == 0) {
		if (scols_line_get_parent(line))
			return false;
		for (size_t i = 0; i < plain->count; i++) {
			const size_t width = width_of(text_of(line, i));

			if (width == SIZE_MAX)
				return false;
			if (width > plain->columns[i].width)
				plain->columns[i].width = width;
		}
	}
	return true;
}

/* The widest text; not less than the heading; and if it is more than that, and that less, what was wished for. */
static void set_widths(struct plain *plain)
{
	for (size_t i = 0; i < plain->count; i++) {
		struct layout_column *column = &plain->columns[i];
		const double wish = scols_column_get_whint(column->column);

		if (column->width < column->heading)
			column->width = column->heading;
		else if (wish >= 1 && (double)column->width < wish && (double)column->heading < wish)
			column->width = (size_t)wish;
	}
}

static void print_cell(const struct plain *plain, size_t number, const char *text)
{
	const struct layout_column *column = &plain->columns[number];
	const bool last = number + 1 == plain->count;
	const size_t pad = column->width - strlen(text);

	for (size_t i = 0; column->right && i < pad; i++)
		(void)putchar_unlocked(' ');
	(void)fputs_unlocked(text, stdout);
	for (size_t i = 0; !column->right && !last && i < pad; i++)
		(void)putchar_unlocked(' ');
	(void)putchar_unlocked(last ? '\n' : ' ');
}

static void print(const struct plain *plain)
{
	struct libscols_line *line;

	for (size_t i = 0; !scols_table_is_noheadings(plain->table) && i < plain->count; i++)
		print_cell(plain, i, scols_column_get_name(plain->columns[i].column));
	scols_reset_iter(plain->at, SCOLS_ITER_FORWARD);
	while (scols_table_next_line(plain->table, plain->at, &line) == 0)
		for (size_t i = 0; i < plain->count; i++)
			print_cell(plain, i, text_of(line, i));
}

bool plain_table_print(struct libscols_table *table)
{
	struct plain plain = {
		.table = table,
		.at = scols_new_iter(SCOLS_ITER_FORWARD),
		.count = scols_table_get_ncols(table),
	};
	bool is = false;

	plain.columns = calloc(plain.count + 1, sizeof(*plain.columns));
	if (plain.at && plain.columns && plain.count > 0 && !scols_table_is_empty(table) && read_columns(&plain) &&
	    read_lines(&plain)) {
		set_widths(&plain);
		print(&plain);
		is = true;
	}
	free(plain.columns);
	scols_free_iter(plain.at);
	return is;
}
