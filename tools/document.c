/* SPDX-License-Identifier: BSD-3-Clause OR GPL-2.0-or-later */
#include "tools/document.h"

#include "tools/display.h"

#include <ctype.h>
#include <libsmartcols.h>
#include <string.h>

/* Of one document. The outermost object owns it; every object and array below points to it. */
struct document {
	bool incomplete; /* something could not be added: a document with a piece missing must not pass for a whole one
			  */
};

static void document_release(json_object *object, void *document)
{
	(void)object;
	free(document);
}

json_object *document_new(void)
{
	struct document *document = calloc(1, sizeof(*document));
	json_object *object = document ? json_object_new_object() : NULL;

	if (!object) {
		free(document);
		return NULL;
	}
	json_object_set_userdata(object, document, document_release);
	return object;
}

/* Without a parent there is nothing to mark: that it could not be made was marked where it was added. */
static json_object *add(json_object *parent, const char *key, json_object *value, bool made)
{
	struct document *document = parent ? json_object_get_userdata(parent) : NULL;

	if (!parent || !made ||
	    (key ? json_object_object_add(parent, key, value) : json_object_array_add(parent, value)) < 0) {
		if (document)
			document->incomplete = true;
		(void)json_object_put(value);
		return NULL;
	}
	return value;
}

static json_object *add_container(json_object *parent, const char *key, json_object *container)
{
	json_object *added = add(parent, key, container, container != NULL);

	if (added)
		json_object_set_userdata(added, json_object_get_userdata(parent), NULL);
	return added;
}

json_object *document_object(json_object *parent, const char *key)
{
	return add_container(parent, key, json_object_new_object());
}

json_object *document_array(json_object *parent, const char *key)
{
	return add_container(parent, key, json_object_new_array());
}

static void add_shown(json_object *parent, const char *key, const char *text, char *shown)
{
	_cleanup_free_ char *owned = shown;
	json_object *value = NULL;

	if (!text || !*text) {
		(void)add(parent, key, NULL, true);
		return;
	}
	if (owned)
		value = json_object_new_string(owned);
	(void)add(parent, key, value, value != NULL);
}

void document_text(json_object *parent, const char *key, const char *text)
{
	add_shown(parent, key, text, display_text(text));
}

void document_escaped(json_object *parent, const char *key, const char *text)
{
	add_shown(parent, key, text, display_escaped(text));
}

void document_number(json_object *parent, const char *key, uint64_t number)
{
	json_object *value = json_object_new_uint64(number);

	(void)add(parent, key, value, value != NULL);
}

void document_bool(json_object *parent, const char *key, bool value)
{
	json_object *made = json_object_new_boolean(value);

	(void)add(parent, key, made, made != NULL);
}

static const char *value_text(json_object *value)
{
	if (!value)
		return "";
	if (json_object_is_type(value, json_type_boolean))
		return json_object_get_boolean(value) ? "yes" : "no";
	return json_object_get_string(value);
}

static bool is_container(json_object *value)
{
	return json_object_is_type(value, json_type_object) || json_object_is_type(value, json_type_array);
}

/* "Login process" for "login-process". */
static void print_title(const char *key)
{
	for (size_t i = 0; key[i]; i++)
		(void)putchar(i == 0 ? toupper((unsigned char)key[i]) : key[i] == '-' ? ' ' : key[i]);
	(void)puts(":");
}

static void print_block(json_object *object)
{
	int width = 0;

	json_object_object_foreach(object, measured, ignored)
	{
		(void)ignored;
		if ((int)strlen(measured) > width)
			width = (int)strlen(measured);
	}
	json_object_object_foreach(object, key, value)
	{
		const char *text = value_text(value);

		if (!is_container(value))
			(void)printf("  %s:%*s%s\n", key, width - (int)strlen(key) + 1, "", *text ? text : "-");
	}
}

#define DIFFERS "differs"

static bool differs(json_object *row)
{
	json_object *value = NULL;

	return json_object_object_get_ex(row, DIFFERS, &value) && json_object_get_boolean(value);
}

static int add_row(struct libscols_table *table, json_object *row)
{
	struct libscols_line *line = scols_table_new_line(table, NULL);
	size_t column = 0;

	if (!line)
		return -ENOMEM;
	json_object_object_foreach(row, key, value)
	{
		const char *text = value_text(value);

		if (strcmp(key, DIFFERS) != 0 && scols_line_set_data(line, column++, *text ? text : "-") < 0)
			return -ENOMEM;
	}
	return 0;
}

static int fill_table(struct libscols_table *table, json_object *rows)
{
	(void)scols_table_enable_noencoding(table, 1);
	json_object_object_foreach(json_object_array_get_idx(rows, 0), key, value)
	{
		bool number = json_object_is_type(value, json_type_int);
		char heading[64] = "  ";

		for (size_t i = 0; i < sizeof(heading) - 1 && key[i]; i++) {
			heading[i] = (char)toupper((unsigned char)key[i]);
			heading[i + 1] = '\0';
		}
		if (strcmp(key, DIFFERS) != 0 &&
		    !scols_table_new_column(table, heading, 0, number ? SCOLS_FL_RIGHT : 0))
			return -ENOMEM;
	}
	for (size_t i = 0; i < json_object_array_length(rows); i++) {
		int r = add_row(table, json_object_array_get_idx(rows, i));

		if (r < 0)
			return r;
	}
	return 0;
}

static void print_row(const char *line, bool marked, bool colors)
{
	if (marked && colors)
		(void)printf("\033[31m! %s\033[0m\n", line);
	else
		(void)printf("%s%s\n", marked ? "! " : "  ", line);
}

/* A table, indented like everything else below a title, with a mark at the rows that differ. */
static int print_rows(json_object *rows, bool colors)
{
	struct libscols_table *table = scols_new_table();
	_cleanup_free_ char *text = NULL;
	char *rest, *line;
	int r = table ? fill_table(table, rows) : -ENOMEM;

	if (r == 0)
		r = scols_print_table_to_string(table, &text);
	scols_unref_table(table);
	if (r < 0)
		return r;
	rest = text;
	for (size_t i = 0; (line = strsep(&rest, "\n")); i++) {
		json_object *row = i > 0 ? json_object_array_get_idx(rows, i - 1) : NULL;

		if (*line)
			print_row(line, row && differs(row), colors);
	}
	return 0;
}

static int print_array(json_object *array, bool colors)
{
	size_t count = json_object_array_length(array);

	if (count > 0 && json_object_is_type(json_object_array_get_idx(array, 0), json_type_object))
		return print_rows(array, colors);
	for (size_t i = 0; i < count; i++)
		(void)printf("  %s\n", value_text(json_object_array_get_idx(array, i)));
	if (count == 0)
		(void)puts("  none");
	return 0;
}

static int print_text(json_object *document, bool colors)
{
	bool first = true;

	json_object_object_foreach(document, key, value)
	{
		int r = 0;

		if (!first)
			(void)putchar('\n');
		first = false;
		if (!is_container(value)) {
			(void)printf("%s: %s\n", key, value_text(value));
			continue;
		}
		print_title(key);
		if (json_object_is_type(value, json_type_object))
			print_block(value);
		else
			r = print_array(value, colors);
		if (r < 0)
			return r;
	}
	return 0;
}

int document_print(json_object *document, bool json, bool colors)
{
	const struct document *state = document ? json_object_get_userdata(document) : NULL;

	if (!state || state->incomplete)
		return -ENOMEM;
	if (!json)
		return print_text(document, colors);

	const char *text = json_object_to_json_string_ext(document, JSON_C_TO_STRING_PRETTY | JSON_C_TO_STRING_SPACED |
									    JSON_C_TO_STRING_NOSLASHESCAPE);

	if (!text)
		return -ENOMEM;
	(void)puts(text);
	return 0;
}
