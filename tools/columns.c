/* SPDX-License-Identifier: BSD-3-Clause OR GPL-2.0-or-later */
#include "tools/columns.h"

#include "tools/display.h"
#include "tools/plain_table.h"

#include <ctype.h>
#include <inttypes.h>
#include <json-c/json.h>
#include <string.h>
#include <strings.h>

struct report {
	struct libscols_table *table;
	const char *name;
	bool arrays; /* some line is in an array of its own name */
	bool plain;  /* a table without colours, and of no terminal's width */
	const struct column **selected;
	size_t count;
	enum output_style style;
	size_t colored; /* of the selected columns; count: none */
	const char *(*color)(const void *row);
};

static const struct column *find_column(const struct column *columns, size_t count, const char *name)
{
	for (size_t i = 0; i < count; i++) {
		if (strcasecmp(columns[i].name, name) == 0)
			return &columns[i];
	}
	return NULL;
}

/* A column named twice is printed once, where it was named first. */
static void select_column(struct report *report, const struct column *column)
{
	for (size_t i = 0; i < report->count; i++) {
		if (report->selected[i] == column)
			return;
	}
	report->selected[report->count++] = column;
}

static void select_defaults(struct report *report, const struct column *columns, size_t count, bool all)
{
	const bool flat = report->style == OUTPUT_RAW || report->style == OUTPUT_PAIRS;

	for (size_t i = 0; i < count; i++) {
		if (all || columns[i].shown == true || (flat && columns[i].shown == COLUMN_FLAT))
			select_column(report, &columns[i]);
	}
}

static int select_named(struct report *report, const struct column *columns, size_t count, const char *output,
			char **ret_problem)
{
	_cleanup_free_ char *names = strdup(output);
	char *rest = names;
	char *name;

	if (!names)
		return -ENOMEM;

	while ((name = strsep(&rest, ","))) {
		const struct column *column = find_column(columns, count, name);

		if (!column) {
			if (asprintf(ret_problem, "unknown column '%s'; --help lists the columns", name) < 0)
				return -ENOMEM;
			return -EINVAL;
		}
		select_column(report, column);
	}
	return 0;
}

static int select_columns(struct report *report, const struct column *columns, size_t count,
			  const struct layout *layout, char **ret_problem)
{
	const char *output = layout->output;

	report->selected = calloc(count, sizeof(struct column *));
	if (!report->selected)
		return -ENOMEM;

	if (!output || layout->all_columns || output[0] == '+')
		select_defaults(report, columns, count, layout->all_columns);
	if (!output || layout->all_columns)
		return 0;
	return select_named(report, columns, count, output + (output[0] == '+'), ret_problem);
}

static int add_column(struct report *report, const struct column *column)
{
	bool array = report->style == OUTPUT_JSON && column->json_type == SCOLS_JSON_ARRAY_STRING;
	int flags = column->flags;

	if (array)
		flags = (flags & ~SCOLS_FL_TRUNC) | SCOLS_FL_WRAP;
	/* these would have the branches of a tree in the text; JSON nests instead */
	if (report->style == OUTPUT_RAW || report->style == OUTPUT_PAIRS)
		flags &= ~SCOLS_FL_TREE;

	struct libscols_column *made = scols_table_new_column(report->table, column->name, column->width, flags);

	if (!made || scols_column_set_json_type(made, column->json_type) < 0)
		return -ENOMEM;
	if (array && (scols_column_set_wrapfunc(made, scols_wrapnl_chunksize, scols_wrapnl_nextchunk, NULL) < 0 ||
		      scols_column_set_safechars(made, "\n") < 0))
		return -ENOMEM;
	return 0;
}

static int set_up_table(struct report *report, const char *name, const struct layout *layout)
{
	report->table = scols_new_table();
	if (!report->table || scols_table_set_name(report->table, name) < 0)
		return -ENOMEM;

	(void)scols_table_enable_json(report->table, layout->style == OUTPUT_JSON);
	(void)scols_table_enable_raw(report->table, layout->style == OUTPUT_RAW);
	(void)scols_table_enable_export(report->table, layout->style == OUTPUT_PAIRS);
	(void)scols_table_enable_shellvar(report->table, layout->style == OUTPUT_PAIRS);
	(void)scols_table_enable_noheadings(report->table, layout->no_headings);
	(void)scols_table_enable_colors(report->table, layout->colors && layout->style == OUTPUT_TABLE);
	if (layout->width > 0 && (scols_table_set_termforce(report->table, SCOLS_TERMFORCE_ALWAYS) < 0 ||
				  scols_table_set_termwidth(report->table, layout->width) < 0))
		return -EINVAL;
	/* cells are made fit for display before they get here */
	(void)scols_table_enable_noencoding(report->table, 1);

	for (size_t i = 0; i < report->count; i++) {
		int r = add_column(report, report->selected[i]);

		if (r < 0)
			return r;
	}
	return 0;
}

int report_new(const char *name, const struct column *columns, size_t count, const struct layout *layout,
	       struct report **ret, char **ret_problem)
{
	_cleanup_(report_freep) struct report *report = calloc(1, sizeof(*report));
	int r;

	if (!report)
		return -ENOMEM;
	report->style = layout->style;
	report->name = name;
	report->plain = layout->style == OUTPUT_TABLE && !layout->colors && layout->width == 0;
	r = select_columns(report, columns, count, layout, ret_problem);
	if (r == 0)
		r = set_up_table(report, name, layout);
	if (r < 0)
		return r;
	*ret = TAKE_PTR(report);
	return 0;
}

void report_color(struct report *report, const char *name, const char *(*color)(const void *row))
{
	report->color = color;
	for (report->colored = 0; report->colored < report->count; report->colored++)
		if (strcmp(report->selected[report->colored]->name, name) == 0)
			break;
}

bool report_shows(const struct report *report, const char *name)
{
	for (size_t i = 0; i < report->count; i++) {
		if (strcmp(report->selected[i]->name, name) == 0)
			return true;
	}
	return false;
}

/* Raw and pairs need no help: libsmartcols escapes every byte that is not plain ASCII there. */
static bool needs_display_text(const struct report *report, const struct column *column)
{
	if (report->style == OUTPUT_TABLE)
		return true;
	return report->style == OUTPUT_JSON && column->json_type == SCOLS_JSON_STRING;
}

static int set_cell(struct report *report, struct libscols_line *line, size_t index, const void *row)
{
	const struct column *column = report->selected[index];
	_cleanup_free_ char *text = NULL;
	int r = column->cell(column, row, report->style, &text);

	if (r < 0 || !text)
		return r;
	if (needs_display_text(report, column) && !display_is_plain(text)) {
		_cleanup_free_ char *plain = TAKE_PTR(text);

		text = display_text(plain);
		if (!text)
			return -ENOMEM;
	}
	if (scols_line_refer_data(line, index, text) < 0)
		return -ENOMEM;
	(void)TAKE_PTR(text);
	if (!report->color || index != report->colored || !scols_table_colors_wanted(report->table))
		return 0;
	return scols_cell_set_color(scols_line_get_cell(line, index), report->color(row)) < 0 ? -ENOMEM : 0;
}

int report_add(struct report *report, const void *row, struct libscols_line *parent, struct libscols_line **ret_line)
{
	struct libscols_line *line = scols_table_new_line(report->table, parent);

	if (!line)
		return -ENOMEM;
	for (size_t i = 0; i < report->count; i++) {
		int r = set_cell(report, line, i, row);

		if (r < 0)
			return r;
	}
	if (ret_line)
		*ret_line = line;
	return 0;
}

int report_add_to(struct report *report, const void *row, struct libscols_line *parent, const char *array,
		  struct libscols_line **ret_line)
{
	struct libscols_line *line = NULL;
	int r = report_add(report, row, parent, &line);

	if (r < 0)
		return r;
	if (parent) {
		report->arrays = true;
		(void)scols_line_set_userdata(line, (void *)array);
	}
	if (ret_line)
		*ret_line = line;
	return 0;
}

/* What libsmartcols prints of a cell, as a value. NULL with *ret_failed unset is null. */
static json_object *cell_value(const struct column *column, const char *text, bool *ret_failed)
{
	json_object *value = NULL;

	if (column->json_type == SCOLS_JSON_ARRAY_STRING) {
		_cleanup_free_ char *lines = strdup(text ? text : "");
		char *rest = lines;
		const char *line;

		value = json_object_new_array();
		while (lines && value && (line = strsep(&rest, "\n"))) {
			json_object *element = text ? json_object_new_string(line) : NULL;

			if (json_object_array_add(value, element) < 0)
				*ret_failed = true;
		}
		*ret_failed |= !lines || !value;
		return value;
	}
	if (!text)
		return NULL;
	if (column->json_type == SCOLS_JSON_NUMBER)
		value = json_object_new_uint64(strtoull(text, NULL, 10));
	else
		value = json_object_new_string(text);
	*ret_failed |= !value;
	return value;
}

static int fill_object(const struct report *report, struct libscols_line *line, json_object *object)
{
	for (size_t i = 0; i < report->count; i++) {
		const struct column *column = report->selected[i];
		char key[32] = "";
		bool failed = false;
		json_object *value = cell_value(column, scols_cell_get_data(scols_line_get_cell(line, i)), &failed);

		for (size_t at = 0; at < sizeof(key) - 1 && column->name[at]; at++)
			key[at] = (char)tolower((unsigned char)column->name[at]);
		if (failed || json_object_object_add(object, key, value) < 0) {
			(void)json_object_put(value);
			return -ENOMEM;
		}
	}
	return 0;
}

/* The array `name` of an object, made when it has none. */
static json_object *array_of(json_object *object, const char *name)
{
	json_object *array = NULL;

	if (json_object_object_get_ex(object, name, &array))
		return array;
	array = json_object_new_array();
	if (array && json_object_object_add(object, name, array) < 0) {
		(void)json_object_put(array);
		return NULL;
	}
	return array;
}

/* Lines come after their parents. Each line's object is its userdata from then on, instead of its array's name. */
static int fill_document(const struct report *report, json_object *document)
{
	size_t count = scols_table_get_nlines(report->table);

	if (!array_of(document, report->name))
		return -ENOMEM;
	for (size_t i = 0; i < count; i++) {
		struct libscols_line *line = scols_table_get_line(report->table, i);
		struct libscols_line *parent = scols_line_get_parent(line);
		const char *name = parent ? scols_line_get_userdata(line) : report->name;
		json_object *array = array_of(parent ? scols_line_get_userdata(parent) : document, name);
		json_object *object = array ? json_object_new_object() : NULL;

		if (!object || json_object_array_add(array, object) < 0) {
			(void)json_object_put(object);
			return -ENOMEM;
		}
		(void)scols_line_set_userdata(line, object);
		if (fill_object(report, line, object) < 0)
			return -ENOMEM;
	}
	return 0;
}

/* libsmartcols knows no other array than "children". */
static int print_arrays(struct report *report)
{
	json_object *document = json_object_new_object();
	int r = document ? fill_document(report, document) : -ENOMEM;

	if (r == 0) {
		const char *text = json_object_to_json_string_ext(
			document, JSON_C_TO_STRING_PRETTY | JSON_C_TO_STRING_SPACED | JSON_C_TO_STRING_NOSLASHESCAPE);

		if (text)
			(void)puts(text);
		else
			r = -ENOMEM;
	}
	(void)json_object_put(document);
	return r;
}

int report_print(struct report *report)
{
	if (report->style == OUTPUT_JSON && report->arrays)
		return print_arrays(report);
	if (report->plain && !isatty(STDOUT_FILENO) && plain_table_print(report->table))
		return 0;
	return scols_print_table(report->table);
}

struct report *report_free(struct report *report)
{
	if (report) {
		scols_unref_table(report->table);
		free(report->selected);
		free(report);
	}
	return NULL;
}

int cell_text(char *text, char **ret)
{
	*ret = text;
	return text ? 0 : -ENOMEM;
}

int cell_number(uint64_t value, char **ret)
{
	return asprintf(ret, "%" PRIu64, value) < 0 ? -ENOMEM : 0;
}

void columns_help(const struct column *columns, size_t count, FILE *out)
{
	for (size_t i = 0; i < count; i++)
		(void)fprintf(out, " %12s%c %s\n", columns[i].name,
			      columns[i].shown == true ? '*'
			      : columns[i].shown       ? '+'
						       : ' ',
			      columns[i].help);
}
