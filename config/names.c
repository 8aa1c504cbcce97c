/* SPDX-License-Identifier: BSD-3-Clause OR GPL-2.0-or-later */
#include "config/names.h"

#include "config/keys.h"
#include "config/suggest.h"

#include <stdint.h>
#include <string.h>

#define NO_PARENT SIZE_MAX
#define WORD_SIZE 64 /* of a name of the language, and its end */

enum shape {
	SHAPE_UNKNOWN,
	SHAPE_VALUE,
	SHAPE_LIST,
	SHAPE_SECTION,
	SHAPE_TITLED,
};

/* An event of the scan, and what becomes of it. */
struct item {
	const struct scan_event *event;
	size_t parent; /* index of the section that it is in, or NO_PARENT */
	bool wrong;    /* to be reported */
	bool left_out; /* wrong, or within something that is */
};

/* --- what a name stands for --- */

static enum shape shape_of(const char *name)
{
	size_t length = strlen(name);
	enum shape shape = SHAPE_UNKNOWN;

	for (enum policy_key key = 0; key < POLICY_KEYS; key++) {
		if (strncmp(policy_keys[key].name, name, length) != 0)
			continue;
		if (policy_keys[key].name[length] == '.')
			shape = SHAPE_SECTION;
		if (policy_keys[key].name[length] != '\0')
			continue;
		if (policy_keys[key].type == VALUE_SECTION)
			return SHAPE_TITLED;
		return policy_keys[key].type == VALUE_LIST ? SHAPE_LIST : SHAPE_VALUE;
	}
	return shape;
}

/* service "NAME" { … } holds the whole language once more. */
static bool is_service(const struct item *item)
{
	const char *service = policy_keys[KEY_SERVICE].name;

	return item->parent == NO_PARENT && item->event->length == strlen(service) &&
	       memcmp(item->event->name, service, item->event->length) == 0;
}

/* The dotted name of the section that it is in, or NULL outside any. */
static const struct item *section_of(const struct item *items, const struct item *item)
{
	const struct item *parent = item->parent == NO_PARENT ? NULL : &items[item->parent];

	return parent && !is_service(parent) ? parent : NULL;
}

/* "mount.private.size"; malloced, NULL when memory ran out. */
static char *dotted_name(const struct item *items, const struct item *item)
{
	const struct item *section = item;
	char *name = strndup(item->event->name, item->event->length);

	while (name && (section = section_of(items, section))) {
		char *longer;

		if (asprintf(&longer, "%.*s.%s", (int)section->event->length, section->event->name, name) < 0)
			longer = NULL;
		free(name);
		name = longer;
	}
	return name;
}

static bool is_of_the_file(const char *name)
{
	for (enum policy_key key = 0; key < POLICY_KEYS; key++)
		if (strcmp(policy_keys[key].name, name) == 0)
			return key_is_of_the_file(key);
	return false;
}

static enum shape shape_of_item(const struct item *items, const struct item *item, const char *dotted)
{
	/* as the manual calls it, but not as it is written */
	if (memchr(item->event->name, '.', item->event->length))
		return SHAPE_UNKNOWN;
	if (item->parent != NO_PARENT && is_service(&items[item->parent]) && is_of_the_file(dotted))
		return SHAPE_UNKNOWN;
	return shape_of(dotted);
}

/* What is wrong with how a known name is used, or NULL. */
static const char *misuse(const struct scan_event *event, enum shape shape)
{
	switch (shape) {
	case SHAPE_VALUE:
	case SHAPE_LIST:
		if (event->section)
			return "a value is expected, '=' after the key";
		if (event->append && shape == SHAPE_VALUE)
			return "'+=' is for lists; use '='";
		return event->list && shape == SHAPE_VALUE ? "found '{' where one value is expected" : NULL;
	case SHAPE_SECTION:
		return event->section && !event->titled ? NULL : "a section is expected, '{' after its name";
	case SHAPE_TITLED:
		if (!event->section)
			return "a section is expected, a title and '{' after its name";
		return event->titled ? NULL : "a title is expected, a quoted string after the key";
	case SHAPE_UNKNOWN:
	default:
		return NULL;
	}
}

/* --- what was meant by an unknown name --- */

static void to_lower(const char *text, size_t length, char ret[WORD_SIZE])
{
	size_t i;

	for (i = 0; i < length && i < WORD_SIZE - 1; i++)
		ret[i] = (char)(text[i] >= 'A' && text[i] <= 'Z' ? text[i] - 'A' + 'a' : text[i]);
	ret[i] = '\0';
}

/* The name directly within a section ("" for none) of which a key is, or is below; false when it is elsewhere. */
static bool name_in_section(enum policy_key key, const char *section, char ret[WORD_SIZE])
{
	const char *full = policy_keys[key].name;
	size_t skip = section[0] ? strlen(section) + 1 : 0;

	if (strncmp(full, section, strlen(section)) != 0 || (skip && full[skip - 1] != '.'))
		return false;
	(void)snprintf(ret, WORD_SIZE, "%.*s", (int)strcspn(full + skip, "."), full + skip);
	return true;
}

/* The nearest name directly within a section; false when none is near. */
static bool near_in_section(const char *section, const char *word, char ret[WORD_SIZE], unsigned *ret_distance)
{
	struct suggestion best = { 0 };
	char name[WORD_SIZE];

	for (enum policy_key key = 0; key < POLICY_KEYS; key++) {
		if (!name_in_section(key, section, name))
			continue;
		suggest(&best, word, name);
		if (best.name == name)
			best.name = memcpy(ret, name, strlen(name) + 1);
	}
	*ret_distance = best.distance;
	return best.name;
}

/* The names directly within a section of which something is built. */
static void put_known(FILE *out, const char *section, bool within_service)
{
	char name[WORD_SIZE], last[WORD_SIZE] = "";

	for (enum policy_key key = 0; key < POLICY_KEYS; key++) {
		/* the keys of a section follow each other */
		if (!policy_keys[key].built || !name_in_section(key, section, name) || strcmp(name, last) == 0 ||
		    (within_service && key_is_of_the_file(key)))
			continue;
		(void)fprintf(out, "%s%s", last[0] ? ", " : "; known here: ", name);
		memcpy(last, name, sizeof(last));
	}
}

/* "network_mode": the first of - and _ in place of the dot; false without one. */
static bool to_dotted(const char *word, char ret[WORD_SIZE])
{
	size_t length = strcspn(word, "-_.");

	(void)snprintf(ret, WORD_SIZE, "%s", word);
	if (word[length] == '\0')
		return false;
	ret[length] = '.';
	return true;
}

/* The key that has a dotted name, or nearly; else the first whose last part it is. POLICY_KEYS when there is none. */
static enum policy_key meant_elsewhere(const char *word)
{
	struct suggestion best = { 0 };
	enum policy_key found = POLICY_KEYS;
	char dotted[WORD_SIZE];
	bool is_dotted = to_dotted(word, dotted);

	for (enum policy_key key = 0; key < POLICY_KEYS; key++) {
		const char *name = policy_keys[key].name, *leaf = strrchr(name, '.');

		if (!leaf)
			continue;
		if (strcmp(leaf + 1, word) == 0)
			return key;
		if (is_dotted)
			suggest(&best, dotted, name);
		if (best.name == name)
			found = key;
	}
	return found;
}

/* How a key is written: mount { private "PATH" { size = ... } } */
static void put_as_written(FILE *out, const char *name)
{
	const char *at = name;
	unsigned depth = 0;

	for (const char *dot; (dot = strchr(at, '.')); at = dot + 1, depth++) {
		char section[WORD_SIZE];

		(void)snprintf(section, sizeof(section), "%.*s", (int)(dot - name), name);
		(void)fprintf(out, "%.*s%s { ", (int)(dot - at), at,
			      shape_of(section) == SHAPE_TITLED ? " \"PATH\"" : "");
	}
	(void)fprintf(out, "%s%s", at, shape_of(name) == SHAPE_TITLED ? " \"PATH\" { ... }" : " = ...");
	while (depth-- > 0)
		(void)fputs(" }", out);
}

static void put_hint(FILE *out, const char *section, const struct scan_event *event)
{
	char word[WORD_SIZE], near[WORD_SIZE];
	enum policy_key elsewhere;
	unsigned distance;

	to_lower(event->name, event->length, word);
	if (strcmp(word, "include") == 0) {
		(void)fputs(": " SCAN_NO_INCLUDE, out);
	} else if (section[0] == '\0' && event->depth > 0 && is_of_the_file(word)) {
		(void)fprintf(out, ": it is for the whole file, and cannot be within %s",
			      policy_keys[KEY_SERVICE].name);
	} else if (near_in_section(section, word, near, &distance)) {
		(void)fprintf(out, distance == 0 ? "; keys are in lower case: '%s'" : "; did you mean '%s'?", near);
	} else if ((elsewhere = meant_elsewhere(word)) < POLICY_KEYS) {
		(void)fputs("; write ", out);
		put_as_written(out, policy_keys[elsewhere].name);
	} else {
		put_known(out, section, section[0] == '\0' && event->depth > 0);
	}
}

/* --- the file --- */

static int report_unknown(const char *file, const struct item *items, const struct item *item, struct diagnostics *diag)
{
	const struct item *section = section_of(items, item);
	_cleanup_free_ char *where = section ? dotted_name(items, section) : strdup(""), *hint = NULL;
	FILE *out;
	size_t size;

	if (!where)
		return -ENOMEM;
	out = open_memstream(&hint, &size);
	if (!out)
		return -ENOMEM;
	put_hint(out, where, item->event);
	if (fclose(out) != 0)
		return -ENOMEM;
	diagnostics_add(diag, SEVERITY_ERROR, file, item->event->line, "unknown key '%.*s'%s%s%s",
			(int)item->event->length, item->event->name, section ? " in " : "", where, hint);
	return 0;
}

static int report(const char *file, const struct item *items, const struct item *item, struct diagnostics *diag)
{
	_cleanup_free_ char *dotted = dotted_name(items, item);
	enum shape shape;

	if (!dotted)
		return -ENOMEM;
	shape = shape_of_item(items, item, dotted);
	if (shape == SHAPE_UNKNOWN)
		return report_unknown(file, items, item, diag);
	diagnostics_add(diag, SEVERITY_ERROR, file, item->event->line, "%s: %s", dotted, misuse(item->event, shape));
	return 0;
}

/* From the end, for a section's event follows those of what is in it. */
static int judge(const struct scan *scan, struct item *items)
{
	size_t open[SCAN_DEPTH_MAX + 1];

	for (size_t i = scan->count; i-- > 0;) {
		_cleanup_free_ char *dotted = NULL;
		struct item *item = &items[i];
		enum shape shape;

		item->event = &scan->events[i];
		item->parent = item->event->depth > 0 ? open[item->event->depth - 1] : NO_PARENT;
		open[item->event->depth] = i;
		if (item->parent != NO_PARENT && items[item->parent].left_out) {
			item->left_out = true;
			continue;
		}
		dotted = dotted_name(items, item);
		if (!dotted)
			return -ENOMEM;
		shape = shape_of_item(items, item, dotted);
		item->wrong = item->left_out = shape == SHAPE_UNKNOWN || misuse(item->event, shape);
	}
	return 0;
}

static void leave_out(struct scan *scan, const struct item *items)
{
	size_t count = scan->count;

	scan->count = 0;
	for (size_t i = 0; i < count; i++) {
		const struct scan_event *event = &scan->events[i];

		if (!items[i].left_out) {
			scan->events[scan->count++] = *event;
			continue;
		}
		for (char *at = scan->text + (event->name - scan->text); at < event->end; at++)
			if (*at != '\n')
				*at = ' ';
	}
}

int names_check(const char *name, struct scan *scan, struct diagnostics *diag)
{
	_cleanup_free_ struct item *items = calloc(scan->count + 1, sizeof(*items));
	bool wrong = false;
	int r;

	if (!items)
		return -ENOMEM;
	r = judge(scan, items);
	for (size_t i = 0; r == 0 && i < scan->count; i++) {
		if (!items[i].wrong)
			continue;
		wrong = true;
		r = report(name, items, &items[i], diag);
	}
	if (r < 0)
		return r;
	if (!wrong)
		return 0;
	leave_out(scan, items);
	return NAMES_LEFT_OUT;
}
