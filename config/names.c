/* SPDX-License-Identifier: BSD-3-Clause OR GPL-2.0-or-later */
#include "config/names.h"

#include "config/keys.h"
#include "config/suggest.h"

#include <string.h>

#define WORD_SIZE 64 /* of a name of the language, and its end */

enum shape {
	SHAPE_VALUE,
	SHAPE_LIST,
	SHAPE_SECTION,
	SHAPE_TITLED,
};

/* An event of the scan, and what becomes of it. */
struct item {
	struct scan_event *event;
	bool known;    /* event->key is set */
	bool wrong;    /* to be reported */
	bool left_out; /* wrong, or within something that is */
};

/* --- what a name stands for --- */

static enum shape shape_of(struct key_name name)
{
	if (key_name_is_plain_section(name))
		return SHAPE_SECTION;
	if (policy_keys[name.key].type == VALUE_SECTION)
		return SHAPE_TITLED;
	return policy_keys[name.key].type == VALUE_LIST ? SHAPE_LIST : SHAPE_VALUE;
}

/* service "NAME" { … } holds the language once more. */
static void put_in(struct scan_event *event, const struct scan_event *parent)
{
	event->within = parent && !key_name_is_service(parent->key) ? parent->key : (struct key_name){ 0 };
	event->in_service = parent && (parent->in_service || key_name_is_service(parent->key));
}

/* … but for what is for the whole file. */
static bool find_name(struct scan_event *event)
{
	return key_name_find(event->within, event->name, event->length, &event->key) &&
	       !(event->in_service && key_is_of_the_file(event->key.key));
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

/* The name directly within a section of which a key is, or is below; false when it is elsewhere. */
static bool name_in_section(enum policy_key key, struct key_name section, char ret[WORD_SIZE])
{
	const char *full = policy_keys[key].name;
	size_t skip = section.length > 0 ? section.length + 1 : 0;

	if (strncmp(full, policy_keys[section.key].name, section.length) != 0 || (skip && full[skip - 1] != '.'))
		return false;
	(void)snprintf(ret, WORD_SIZE, "%.*s", (int)strcspn(full + skip, "."), full + skip);
	return true;
}

/* The nearest name directly within a section; false when none is near. */
static bool near_in_section(struct key_name section, const char *word, char ret[WORD_SIZE], unsigned *ret_distance)
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

/* The names directly within a section. */
static void put_known(FILE *out, struct key_name section, bool within_service)
{
	char name[WORD_SIZE], last[WORD_SIZE] = "";

	for (enum policy_key key = 0; key < POLICY_KEYS; key++) {
		/* the keys of a section follow each other */
		if (!name_in_section(key, section, name) || strcmp(name, last) == 0 ||
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
static void put_as_written(FILE *out, enum policy_key key)
{
	const char *at = policy_keys[key].name;
	struct key_name name = { 0 };
	unsigned depth = 0;

	for (const char *dot; (dot = strchr(at, '.')); at = dot + 1, depth++) {
		(void)fprintf(out, "%.*s%s { ", (int)(dot - at), at,
			      key_name_find(name, at, (size_t)(dot - at), &name) && shape_of(name) == SHAPE_TITLED
				      ? " \"PATH\""
				      : "");
	}
	(void)fprintf(out, "%s%s", at, policy_keys[key].type == VALUE_SECTION ? " \"PATH\" { ... }" : " = ...");
	while (depth-- > 0)
		(void)fputs(" }", out);
}

static bool is_of_the_file(const char *word)
{
	struct key_name name;

	return key_name_find((struct key_name){ 0 }, word, strlen(word), &name) && key_is_of_the_file(name.key);
}

static void put_hint(FILE *out, const struct scan_event *event)
{
	char word[WORD_SIZE], near[WORD_SIZE];
	enum policy_key elsewhere;
	unsigned distance;

	to_lower(event->name, event->length, word);
	if (strcmp(word, "include") == 0) {
		(void)fputs(": " SCAN_NO_INCLUDE, out);
	} else if (event->in_service && event->within.length == 0 && is_of_the_file(word)) {
		(void)fprintf(out, ": it is for the whole file, and cannot be within %s",
			      policy_keys[KEY_SERVICE].name);
	} else if (near_in_section(event->within, word, near, &distance)) {
		(void)fprintf(out, distance == 0 ? "; keys are in lower case: '%s'" : "; did you mean '%s'?", near);
	} else if ((elsewhere = meant_elsewhere(word)) < POLICY_KEYS) {
		(void)fputs("; write ", out);
		put_as_written(out, elsewhere);
	} else {
		put_known(out, event->within, event->in_service && event->within.length == 0);
	}
}

/* --- the file --- */

static int report_unknown(const char *file, const struct scan_event *event, struct diagnostics *diag)
{
	_cleanup_free_ char *hint = NULL;
	FILE *out;
	size_t size;

	out = open_memstream(&hint, &size);
	if (!out)
		return -ENOMEM;
	put_hint(out, event);
	if (fclose(out) != 0)
		return -ENOMEM;
	diagnostics_add(diag, SEVERITY_ERROR, file, event->line, "unknown key '%.*s'%s%.*s%s", (int)event->length,
			event->name, event->within.length > 0 ? " in " : "", (int)event->within.length,
			policy_keys[event->within.key].name, hint);
	return 0;
}

static int report(const char *file, const struct item *item, struct diagnostics *diag)
{
	const struct scan_event *event = item->event;

	if (!item->known)
		return report_unknown(file, event, diag);
	diagnostics_add(diag, SEVERITY_ERROR, file, event->line, "%.*s: %s", (int)event->key.length,
			policy_keys[event->key.key].name, misuse(event, shape_of(event->key)));
	return 0;
}

/* From the end, for a section's event follows those of what is in it. */
static void judge(const struct scan *scan, struct item *items)
{
	const struct item *open[SCAN_DEPTH_MAX + 1];

	for (size_t i = scan->count; i-- > 0;) {
		struct item *item = &items[i];
		const struct item *parent;

		item->event = &scan->events[i];
		parent = item->event->depth > 0 ? open[item->event->depth - 1] : NULL;
		open[item->event->depth] = item;
		if (parent && parent->left_out) {
			item->left_out = true;
			continue;
		}
		put_in(item->event, parent ? parent->event : NULL);
		item->known = find_name(item->event);
		item->wrong = item->left_out = !item->known || misuse(item->event, shape_of(item->event->key));
	}
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
	int r = 0;

	if (!items)
		return -ENOMEM;
	judge(scan, items);
	for (size_t i = 0; r == 0 && i < scan->count; i++) {
		if (!items[i].wrong)
			continue;
		wrong = true;
		r = report(name, &items[i], diag);
	}
	if (r < 0)
		return r;
	if (!wrong)
		return 0;
	leave_out(scan, items);
	return NAMES_LEFT_OUT;
}
