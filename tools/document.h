/* SPDX-License-Identifier: BSD-3-Clause OR GPL-2.0-or-later */
#pragma once

/*
 * One answer for two readers: a JSON object by json-c, printed as it is for
 * programs or as aligned text for people. Texts are made fit for display when
 * they are added. Memory running out shows when the document is printed.
 */

#include "common/cleanup.h"

#include <json-c/json.h>
#include <stdbool.h>
#include <stdint.h>

/* The outermost object; NULL without memory, which every function here takes. Freed by documentp(). */
json_object *document_new(void);

/* A new object below `parent`, or an element of it where that is an array (then `key` is NULL). */
json_object *document_object(json_object *parent, const char *key);
json_object *document_array(json_object *parent, const char *key);

/* One value; a NULL or empty text is null. */
void document_text(json_object *parent, const char *key, const char *text);
void document_escaped(json_object *parent, const char *key, const char *text); /* display_escaped() */
void document_number(json_object *parent, const char *key, uint64_t number);
void document_bool(json_object *parent, const char *key, bool value);

/*
 * As JSON, or as text: a block for each object, a table for each array of
 * objects, where those that have "differs" set are marked by "!" and with colors in red, a line for each element of any
 * other array. 0 or -ENOMEM.
 */
int document_print(json_object *document, bool json, bool colors) _must_check_;

static inline void documentp(json_object **document)
{
	(void)json_object_put(*document);
}
