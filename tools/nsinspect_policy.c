/* SPDX-License-Identifier: BSD-3-Clause OR GPL-2.0-or-later */

/* nsinspect policy: which file decides a login, why not the others, and what it makes of it. */

#include "config/explain.h"
#include "config/text_list.h"
#include "config/keys.h"
#include "session/plan.h"
#include "tools/lint.h"
#include "tools/policy_private.h"

#include <fcntl.h>
#include <inttypes.h>
#include <string.h>

#define SUFFIX          ".conf"
#define USER_DIRECTORY  "user"
#define DEFAULT_SERVICE "login"

/* What was not given on the command line is said to be assumed, to people. */
static void show_assumed(json_object *object, const char *key, const char *given, const char *assumed, bool people)
{
	char text[64];

	if (!given && people)
		(void)snprintf(text, sizeof(text), "%s (assumed)", assumed);
	document_text(object, key, given ? given : people ? text : assumed);
}

void policy_show_query(json_object *object, const struct verdict_query *query, const struct options *options)
{
	const bool people = options->layout.style != OUTPUT_JSON;

	show_assumed(object, "service", options->service, query->service, people);
	show_assumed(object, "from", options->from, people ? "local" : NULL, people);
}

static void show_login(json_object *document, const struct verdict *verdict, const struct verdict_query *query,
		       const struct options *given)
{
	json_object *object = document_object(document, "login");

	document_text(object, "user", verdict->identity.name);
	document_number(object, "uid", verdict->identity.uid);
	policy_show_query(object, query, given);
	document_text(object, "outcome", verdict_name(verdict->outcome));
	document_text(object, "meaning", verdict_meaning(verdict, query->service));
	document_escaped(object, "problem", verdict->problem);
	document_text(object, "policy", verdict->policy ? verdict->policy->file : NULL);
	if (verdict->policy) {
		_cleanup_free_ char *extends = text_list_join(verdict->policy->sources + 1, ", ");

		document_text(object, "extends", extends && extends[0] ? extends : NULL);
	}
	if (verdict->policy) {
		char hash[17];

		(void)snprintf(hash, sizeof(hash), "%016" PRIx64, verdict->policy->hash);
		document_text(object, "hash", hash);
	}
}

static void show_candidate(json_object *array, const char *file, const char *status, const char *problem)
{
	json_object *object = document_object(array, NULL);

	document_text(object, "file", file);
	document_text(object, "status", status);
	document_escaped(object, "problem", problem);
}

static const struct candidate *find_candidate(const struct candidates *candidates, const char *name)
{
	for (size_t i = 0; i < candidates->count; i++) {
		if (strcmp(candidates->items[i].name, name) == 0)
			return &candidates->items[i];
	}
	return NULL;
}

/* A file that was found, and what it says alone. */
struct tried {
	const struct candidate *candidate;
	struct policy *policy; /* NULL: it is broken */
	bool matches;
};

static struct tried try_candidate(const struct verdict *verdict, const struct verdict_query *query,
				  const struct candidate *candidate)
{
	struct tried tried = { .candidate = candidate };

	tried.matches = verdict_try(verdict, query, candidate, &tried.policy) > 0;
	return tried;
}

static const char *why_not_for(const struct policy *policy, const struct verdict_query *query)
{
	return policy->services && !text_list_has(policy->services, query->service) ? "not for this service"
										    : "not for this address";
}

static const char *candidate_status(const struct verdict *verdict, const struct verdict_query *query,
				    const struct tried *tried)
{
	const struct candidate *candidate = tried->candidate;

	if (verdict->policy && strcmp(verdict->policy->file, candidate->name) == 0)
		return "decides";
	if (candidate->problem || (verdict->broken && strcmp(verdict->broken, candidate->name) == 0))
		return "broken";
	if (verdict->outcome == VERDICT_SYSTEM_USER)
		return "not for a system user";
	if (!tried->policy)
		return "broken";
	if (!tried->matches)
		return why_not_for(tried->policy, query);
	return verdict->policy ? "comes later" : "not reached";
}

static void show_found(json_object *array, const struct verdict *verdict, const struct verdict_query *query,
		       const struct tried *tried)
{
	const struct candidate *candidate = tried->candidate;
	const char *problem = candidate->problem;

	if (!problem && verdict->broken && strcmp(verdict->broken, candidate->name) == 0)
		problem = verdict->problem;
	show_candidate(array, candidate->name, candidate_status(verdict, query, tried), problem);
}

/* One file of each user and for everyone: there or not. */
static void show_expected(json_object *array, const struct verdict *verdict, const struct verdict_query *query,
			  const char *name)
{
	const struct candidate *candidate = find_candidate(&verdict->candidates, name);

	if (!candidate) {
		show_candidate(array, name, "no such file", NULL);
		return;
	}

	struct tried tried = try_candidate(verdict, query, candidate);

	show_found(array, verdict, query, &tried);
	policy_free(tried.policy);
}

/* Whether the file is there is not known where its directory is not to be used. */
static void show_user_file(json_object *array, const struct verdict *verdict, const struct verdict_query *query,
			   const char *name)
{
	if (!find_candidate(&verdict->candidates, USER_DIRECTORY)) {
		show_expected(array, verdict, query, name);
		return;
	}
	show_expected(array, verdict, query, USER_DIRECTORY);
	show_candidate(array, name, "not reached", NULL);
}

static int is_policy_file(const struct dirent *entry)
{
	size_t size = strlen(entry->d_name);

	return entry->d_name[0] != '.' && size > strlen(SUFFIX) &&
	       strcmp(entry->d_name + size - strlen(SUFFIX), SUFFIX) == 0;
}

/* Broken ones first, for each of them refuses; then falling priority, and of equal ones by name. */
static int compare_ranks(const void *a, const void *b)
{
	const struct tried *left = a, *right = b;

	if (left->policy && right->policy && left->policy->priority != right->policy->priority)
		return left->policy->priority > right->policy->priority ? -1 : 1;
	if (!left->policy != !right->policy)
		return left->policy ? 1 : -1;
	return strcmp(left->candidate->name, right->candidate->name);
}

/* In the order in which they would decide. */
static void show_groups(json_object *array, const struct verdict *verdict, const struct verdict_query *query)
{
	_cleanup_free_ struct tried *tried = calloc(verdict->candidates.count + 1, sizeof(*tried));
	size_t count = 0;

	for (size_t i = 0; tried && i < verdict->candidates.count; i++) {
		if (verdict->candidates.items[i].kind == CANDIDATE_GROUP)
			tried[count++] = try_candidate(verdict, query, &verdict->candidates.items[i]);
	}
	if (count > 1)
		qsort(tried, count, sizeof(*tried), compare_ranks);
	for (size_t i = 0; i < count; i++) {
		show_found(array, verdict, query, &tried[i]);
		policy_free(tried[i].policy);
	}
}

/* Group files that are no candidates: their groups are not the user's. */
static void show_other_groups(json_object *array, const struct verdict *verdict)
{
	/* of a group/ that cannot be used nobody asked whose its files are */
	const char *status = find_candidate(&verdict->candidates, "group") ? "not reached" : "not a member";
	struct dirent **entries = NULL;
	int count = scandirat(verdict->directory, "group", &entries, is_policy_file, alphasort);

	for (int i = 0; i < count; i++) {
		_cleanup_free_ char *name = NULL;

		if (asprintf(&name, "group/%s", entries[i]->d_name) > 0 && !find_candidate(&verdict->candidates, name))
			show_candidate(array, name, status, NULL);
		free(entries[i]);
	}
	free(entries);
}

static void show_candidates(json_object *document, const struct verdict *verdict, const struct verdict_query *query)
{
	json_object *array = document_array(document, "candidates");
	_cleanup_free_ char *user_file = NULL;

	if (asprintf(&user_file, USER_DIRECTORY "/%s" SUFFIX, verdict->identity.name) < 0)
		user_file = NULL;
	else
		show_user_file(array, verdict, query, user_file);
	if (verdict->identity.uid == 0)
		return;
	show_groups(array, verdict, query);
	show_other_groups(array, verdict);
	show_expected(array, verdict, query, "default" SUFFIX);
}

/* Where the values go, and whose they are. */
struct value_table {
	const struct policy *policy;
	json_object *array;
};

bool policy_matters_when_off(const char *name)
{
	for (enum policy_key key = 0; key < POLICY_KEYS; key++)
		if (strcmp(name, policy_keys[key].name) == 0)
			return key == KEY_MODE || key_is_selector(key);
	return false;
}

static int show_value(const char *key, const char *value, const struct origin *origin, void *data)
{
	const struct value_table *table = data;

	/* what else such a file or the defaults say isolates nobody */
	if (table->policy->mode == MODE_OFF && (!policy_matters_when_off(key) || !origin || !origin->file))
		return 0;

	json_object *object = document_object(table->array, NULL);
	const char *file = origin && origin->file ? origin->file : "built-in default";

	document_text(object, "key", key);
	document_text(object, "value", value);
	document_text(object, "file", file);
	if (origin && origin->file)
		document_number(object, "line", origin->line);
	else
		document_text(object, "line", NULL);
	return 0;
}

static void show_step(json_object *array, const struct plan *plan, const struct step *step)
{
	json_object *object = document_object(array, NULL);
	_cleanup_free_ char *does = step_describe(plan, step);

	document_text(object, "place", place_name(step_place(step->kind)));
	document_text(object, "step", step_name(step->kind));
	document_text(object, "does", does);
}

enum exit_status policy_print(json_object *document, const struct options *options, enum exit_status status)
{
	int r = document_print(document, options->layout.style == OUTPUT_JSON, false);

	return r < 0 ? trouble_errno(r, "policy") : status;
}

static enum exit_status explain(const struct verdict *verdict, const struct verdict_query *query,
				const struct options *options)
{
	_cleanup_(documentp) json_object *document = document_new();

	show_login(document, verdict, query, options);
	if (verdict->outcome != VERDICT_ROOT && verdict->directory >= 0)
		show_candidates(document, verdict, query);
	if (verdict->policy) {
		struct value_table table = { verdict->policy, document_array(document, "values") };
		int r = policy_foreach_value(verdict->policy, show_value, &table);

		if (r < 0)
			return trouble_errno(r, "policy");
	}
	return policy_print(document, options, verdict->outcome == VERDICT_REFUSED ? EXIT_FINDINGS : EXIT_CLEAN);
}

static enum exit_status print_plan(const struct plan *plan, const struct options *options)
{
	_cleanup_(documentp) json_object *document = document_new();
	_cleanup_free_ char *text = NULL;

	if (options->layout.style == OUTPUT_JSON) {
		json_object *array = document_array(document, "plan");

		for (size_t i = 0; i < plan->count; i++)
			show_step(array, plan, &plan->steps[i]);
		return policy_print(document, options, EXIT_CLEAN);
	}
	text = plan_format(plan);
	if (!text)
		return trouble_errno(-ENOMEM, "plan");
	(void)fputs(text, stdout);
	return EXIT_CLEAN;
}

static enum exit_status print_no_plan(const char *why, const struct options *options)
{
	_cleanup_(documentp) json_object *document = NULL;

	if (options->layout.style != OUTPUT_JSON) {
		(void)printf("no session: %s\n", why);
		return EXIT_CLEAN;
	}
	document = document_new();
	document_text(document, "no-session", why);
	(void)document_array(document, "plan");
	return policy_print(document, options, EXIT_CLEAN);
}

static enum exit_status plan(const struct verdict *verdict, const struct verdict_query *query,
			     const struct options *options)
{
	_cleanup_(plan_freep) struct plan *plan = NULL;
	_cleanup_free_ char *problem = NULL;
	const char *why;

	if (!verdict->policy) {
		(void)trouble("no plan for '%s': %s%s%s", verdict->identity.name,
			      verdict_meaning(verdict, query->service), verdict->problem ? ": " : "",
			      verdict->problem ? verdict->problem : "");
		return EXIT_FINDINGS;
	}
	why = verdict_no_session(verdict, query->service);
	if (why)
		return print_no_plan(why, options);

	int r = verdict_plan(verdict, NULL, &plan, &problem);

	if (r == -EINVAL && problem) {
		(void)trouble("%s: %s", verdict->policy->file, problem);
		return EXIT_FINDINGS;
	}
	if (r < 0)
		return trouble_errno(r, "plan");
	if (verdict->policy->mode != MODE_ENFORCE)
		(void)trouble("%s: %s; this plan is not carried out", verdict->policy->file,
			      verdict_meaning(verdict, query->service));
	return print_plan(plan, options);
}

int policy_find(const struct verdict_query *query, struct verdict *ret)
{
	int r = verdict_find(query, ret);

	if (r == -ENOENT || r == -EINVAL) {
		_cleanup_free_ char *hint = r == -ENOENT ? near_user(query->user) : NULL;

		(void)trouble("no user '%s'%s", query->user, hint ? hint : "");
		return -ENOENT;
	}
	if (r < 0)
		(void)trouble_errno(r, query->user);
	return r;
}

static enum exit_status run(const struct options *options, char **arguments)
{
	_cleanup_(verdict_release) struct verdict verdict = { .directory = -1 };
	const struct verdict_query query = {
		.directory = options->policy_directory,
		.user = arguments[0],
		.service = options->service ? options->service : DEFAULT_SERVICE,
		.from = options->from,
	};
	int r;

	if (options->other_user && options->plan)
		return trouble("--diff and --plan exclude each other");
	if (options->other_user)
		return policy_diff(&query, options);
	r = policy_find(&query, &verdict);
	if (r < 0)
		return r == -ENOENT ? EXIT_FINDINGS : EXIT_TROUBLE;
	return options->plan ? plan(&verdict, &query, options) : explain(&verdict, &query, options);
}

const struct subcommand command_policy = {
	.name = "policy",
	.arguments = "USER",
	.summary = "show which policy file decides a user's login, and every value",
	.arguments_min = 1,
	.arguments_max = 1,
	.options = OPTIONS_JSON | OPTIONS_POLICY | OPTIONS_LOGIN,
	.run = run,
};
