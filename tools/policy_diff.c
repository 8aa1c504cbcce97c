/* SPDX-License-Identifier: BSD-3-Clause OR GPL-2.0-or-later */

/* nsinspect policy --diff: what the policies make different for two users. */

#include "config/explain.h"
#include "config/text_list.h"
#include "tools/policy_private.h"

#include <string.h>

#define SIDES 2

/* A value of one of the two; text is NULL where it has none. */
struct side {
	char *text;
	struct origin origin;
};

struct difference {
	char *key;
	bool is_value; /* of a policy, so that it has an origin */
	struct side sides[SIDES];
};

struct comparison {
	struct verdict verdicts[SIDES];
	struct difference *rows; /* first everything, then only what differs */
	size_t count;
};

static void row_release(struct difference *row)
{
	free(row->key);
	for (size_t i = 0; i < SIDES; i++)
		free(row->sides[i].text);
}

static void comparison_release(struct comparison *comparison)
{
	for (size_t i = 0; i < comparison->count; i++)
		row_release(&comparison->rows[i]);
	free(comparison->rows);
	for (size_t i = 0; i < SIDES; i++)
		verdict_release(&comparison->verdicts[i]);
}

/* The row of a key, which is added when there is none; NULL when memory ran out. */
static struct difference *find_row(struct comparison *comparison, const char *key)
{
	struct difference *rows;

	for (size_t i = 0; i < comparison->count; i++)
		if (strcmp(comparison->rows[i].key, key) == 0)
			return &comparison->rows[i];
	rows = reallocarray(comparison->rows, comparison->count + 1, sizeof(*rows));
	if (!rows)
		return NULL;
	comparison->rows = rows;
	rows[comparison->count] = (struct difference){ .key = strdup(key) };
	return rows[comparison->count].key ? &rows[comparison->count++] : NULL;
}

static int put(struct comparison *comparison, const char *key, size_t index, const char *text,
	       const struct origin *origin)
{
	struct difference *row = find_row(comparison, key);

	if (!row)
		return -ENOMEM;
	row->is_value = origin != NULL;
	if (origin)
		row->sides[index].origin = *origin;
	if (text && !(row->sides[index].text = strdup(text)))
		return -ENOMEM;
	return 0;
}

/* Where one side's values go. */
struct collector {
	struct comparison *comparison;
	size_t index;
	bool all; /* or only what matters when the mode of one is "off" */
};

static int collect(const char *key, const char *value, const struct origin *origin, void *data)
{
	const struct collector *collector = data;

	if (!collector->all && !policy_matters_when_off(key))
		return 0;
	return put(collector->comparison, key, collector->index, value, origin);
}

static int collect_values(struct comparison *comparison)
{
	const struct policy *one = comparison->verdicts[0].policy, *other = comparison->verdicts[1].policy;
	int r = 0;

	/* the outcomes say it all */
	if (!one || !other)
		return 0;
	for (size_t i = 0; r == 0 && i < SIDES; i++) {
		struct collector collector = { comparison, i, one->mode != MODE_OFF && other->mode != MODE_OFF };

		r = policy_foreach_value(comparison->verdicts[i].policy, collect, &collector);
	}
	return r;
}

static int collect_all(struct comparison *comparison, const char *service)
{
	int r = 0;

	for (size_t i = 0; r == 0 && i < SIDES; i++) {
		const struct verdict *verdict = &comparison->verdicts[i];

		r = put(comparison, "outcome", i, verdict_meaning(verdict, service), NULL);
		if (r == 0)
			r = put(comparison, "policy", i, verdict->policy ? verdict->policy->file : NULL, NULL);
		if (r == 0)
			r = put(comparison, "problem", i, verdict->problem, NULL);
	}
	return r < 0 ? r : collect_values(comparison);
}

static bool differs(const struct difference *row)
{
	const char *one = row->sides[0].text, *other = row->sides[1].text;

	return one && other ? strcmp(one, other) != 0 : one != other;
}

static void drop_equal(struct comparison *comparison)
{
	size_t kept = 0;

	for (size_t i = 0; i < comparison->count; i++) {
		if (differs(&comparison->rows[i]))
			comparison->rows[kept++] = comparison->rows[i];
		else
			row_release(&comparison->rows[i]);
	}
	comparison->count = kept;
}

static void show_user(json_object *array, const struct verdict *verdict, const char *service)
{
	json_object *object = document_object(array, NULL);
	_cleanup_free_ char *extends = verdict->policy ? text_list_join(verdict->policy->sources + 1, ", ") : NULL;

	document_text(object, "user", verdict->identity.name);
	document_number(object, "uid", verdict->identity.uid);
	document_text(object, "outcome", verdict_name(verdict->outcome));
	document_text(object, "meaning", verdict_meaning(verdict, service));
	document_text(object, "policy", verdict->policy ? verdict->policy->file : NULL);
	document_text(object, "extends", extends);
}

static const char *origin_file(const struct difference *row, const struct side *side)
{
	if (!row->is_value || !side->text)
		return NULL;
	return side->origin.file ? side->origin.file : "built-in default";
}

/* For programs: what each user has, in the order of the users. */
static void show_sides(json_object *object, const struct difference *row)
{
	json_object *array = document_array(object, "values");

	for (size_t i = 0; i < SIDES; i++) {
		const struct side *side = &row->sides[i];
		json_object *value = document_object(array, NULL);

		document_text(value, "value", side->text);
		document_text(value, "file", origin_file(row, side));
		if (side->origin.file)
			document_number(value, "line", side->origin.line);
		else
			document_text(value, "line", NULL);
	}
}

/* For people: all in one line of a table. */
static void show_columns(json_object *object, const struct difference *row)
{
	static const struct {
		const char *value, *where;
	} names[SIDES] = { { "first", "first-from" }, { "second", "second-from" } };

	for (size_t i = 0; i < SIDES; i++) {
		const struct side *side = &row->sides[i];
		_cleanup_free_ char *where = NULL;

		if (side->origin.file && asprintf(&where, "%s:%u", side->origin.file, side->origin.line) < 0)
			where = NULL;
		document_text(object, names[i].value, side->text);
		document_text(object, names[i].where, where ? where : origin_file(row, side));
	}
}

static enum exit_status print(const struct comparison *comparison, const struct verdict_query *query,
			      const struct options *options, enum exit_status status)
{
	_cleanup_(documentp) json_object *document = document_new();
	json_object *array;

	policy_show_query(document_object(document, "login"), query, options);
	array = document_array(document, "users");
	for (size_t i = 0; i < SIDES; i++)
		show_user(array, &comparison->verdicts[i], query->service);
	array = document_array(document, "differences");
	for (size_t i = 0; i < comparison->count; i++) {
		const struct difference *row = &comparison->rows[i];
		json_object *object = document_object(array, NULL);

		document_text(object, "key", row->key);
		if (options->layout.style == OUTPUT_JSON)
			show_sides(object, row);
		else
			show_columns(object, row);
	}
	return policy_print(document, options, status);
}

/* What a broken policy makes of a login is known, but not what its author wants. */
static enum exit_status judge(const struct comparison *comparison)
{
	enum exit_status status = comparison->count > 0 ? EXIT_FINDINGS : EXIT_CLEAN;

	for (size_t i = 0; i < SIDES; i++) {
		const struct verdict *verdict = &comparison->verdicts[i];

		if (verdict->outcome == VERDICT_REFUSED)
			status = trouble("%s cannot be compared: %s", verdict->identity.name,
					 verdict->problem ? verdict->problem : "out of memory");
	}
	return status;
}

enum exit_status policy_diff(const struct verdict_query *query, const struct options *options)
{
	_cleanup_(comparison_release) struct comparison comparison = {
		.verdicts = { { .directory = -1 }, { .directory = -1 } },
	};
	struct verdict_query other = *query;
	int r;

	other.user = options->other_user;
	if (policy_find(query, &comparison.verdicts[0]) < 0 || policy_find(&other, &comparison.verdicts[1]) < 0)
		return EXIT_TROUBLE;
	r = collect_all(&comparison, query->service);
	if (r < 0)
		return trouble_errno(r, "policy");
	drop_equal(&comparison);
	return print(&comparison, query, options, judge(&comparison));
}
