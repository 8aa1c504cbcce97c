/* SPDX-License-Identifier: BSD-3-Clause OR GPL-2.0-or-later */

/* status, show, and the advice on services that users could still come through. Only reads. */

#include "tools/nsisolate-pam.h"
#include "tools/pam_services.h"
#include "tools/pam_view.h"

#include <json.h>
#include <libsmartcols.h>
#include <string.h>

enum { COLUMN_SERVICE, COLUMN_STATE, COLUMN_ARGUMENTS, COLUMN_PROBLEMS, STATUS_COLUMNS };

static const char *const status_columns[STATUS_COLUMNS] = {
	[COLUMN_SERVICE] = "SERVICE",
	[COLUMN_STATE] = "STATE",
	[COLUMN_ARGUMENTS] = "ARGUMENTS",
	[COLUMN_PROBLEMS] = "PROBLEMS",
};

enum { COLUMN_WHERE, COLUMN_CONTROL, COLUMN_MODULE, COLUMN_MODULE_ARGUMENTS, SHOW_COLUMNS };

static const char *const show_columns[SHOW_COLUMNS] = {
	[COLUMN_WHERE] = "LINE",
	[COLUMN_CONTROL] = "CONTROL",
	[COLUMN_MODULE] = "MODULE",
	[COLUMN_MODULE_ARGUMENTS] = "ARGUMENTS",
};

static char *join_arguments(const struct pam_entry *entry, bool with_role)
{
	char *joined = strdup("");

	for (size_t i = 0; joined && entry && i < entry->argument_count; i++) {
		_cleanup_free_ char *before = joined;

		if (!with_role && !strcmp(entry->arguments[i], "open"))
			joined = TAKE_PTR(before);
		else if (asprintf(&joined, "%s%s%s", before, *before ? " " : "", entry->arguments[i]) < 0)
			joined = NULL;
	}
	return joined;
}

static char *state_text(const struct pam_view *view)
{
	char *text;

	if (asprintf(&text, "%s%s%s", pam_state_name(view->verdict.state), view->verdict.through ? " " : "",
		     view->verdict.through ? view->verdict.through : "") < 0)
		return NULL;
	return text;
}

static struct libscols_table *new_table(const struct pam_options *options, const char *const *columns, size_t count)
{
	struct libscols_table *table;

	scols_init_debug(0);
	table = scols_new_table();
	if (!table)
		return NULL;
	scols_table_enable_noheadings(table, options->noheadings);
	scols_table_enable_raw(table, options->raw);
	for (size_t i = 0; i < count; i++) {
		if (!scols_table_new_column(table, columns[i], 0, 0)) {
			scols_unref_table(table);
			return NULL;
		}
	}
	return table;
}

static int print_table(struct libscols_table *table)
{
	int r = scols_print_table(table);

	scols_unref_table(table);
	return r < 0 ? r : 0;
}

/* A row takes over its texts. */
static int add_row(struct libscols_table *table, char **texts, size_t count)
{
	struct libscols_line *line = scols_table_new_line(table, NULL);
	int r = line ? 0 : -ENOMEM;

	for (size_t i = 0; i < count; i++) {
		if (r >= 0 && texts[i])
			r = scols_line_refer_data(line, i, texts[i]);
		else if (r >= 0)
			r = -ENOMEM;
		else
			free(texts[i]);
	}
	return r;
}

static int status_row(struct libscols_table *table, const struct pam_view *view)
{
	char *texts[STATUS_COLUMNS] = {
		[COLUMN_SERVICE] = strdup(view->stack.service),
		[COLUMN_STATE] = state_text(view),
		[COLUMN_ARGUMENTS] = join_arguments(view->verdict.open, false),
	};

	if (asprintf(&texts[COLUMN_PROBLEMS], "%zu", pam_view_problem_count(view)) < 0)
		texts[COLUMN_PROBLEMS] = NULL;
	return add_row(table, texts, STATUS_COLUMNS);
}

static void print_problems(const struct pam_directory *directory, const struct pam_problems *problems)
{
	for (size_t i = 0; i < problems->count; i++) {
		const struct pam_problem *item = &problems->items[i];

		printf("%s%s%s:%u: %s: %s [%s]\n", item->file[0] == '/' ? "" : directory->path,
		       item->file[0] == '/' ? "" : "/", item->file, item->line, pam_severity_name(item->severity),
		       item->text, pam_problem_name(item->code));
	}
}

/* Neither named, nor with anything of the module, nor a way to a process: it would only make the table longer. */
static bool is_left_out(const struct pam_options *options, const struct pam_view *view)
{
	const struct pam_service_info *info = pam_service_info(view->stack.service);

	return info && info->no_login && !options->all && !options->service_count &&
	       view->verdict.state == PAM_STATE_ABSENT && !view->managed;
}

static void print_left_out(const struct pam_options *options, const struct pam_view *views, size_t count)
{
	const char *separator = "Not listed, since they are no logins (--all): ";

	for (size_t i = 0; i < count; i++) {
		if (!is_left_out(options, &views[i]))
			continue;
		printf("%s%s", separator, views[i].stack.service);
		separator = ", ";
	}
	if (!strcmp(separator, ", "))
		printf("\n");
}

static int print_status(const struct pam_options *options, const struct pam_directory *directory,
			const struct pam_view *views, size_t count)
{
	struct libscols_table *table = new_table(options, status_columns, STATUS_COLUMNS);
	int r = table ? 0 : -ENOMEM;

	for (size_t i = 0; i < count && r >= 0; i++)
		r = is_left_out(options, &views[i]) ? 0 : status_row(table, &views[i]);
	if (r < 0) {
		scols_unref_table(table);
		return r;
	}
	r = print_table(table);
	if (!options->raw)
		print_left_out(options, views, count);
	for (size_t i = 0; i < count && !options->raw; i++) {
		print_problems(directory, &views[i].stack.problems);
		print_problems(directory, &views[i].verdict.problems);
	}
	return r;
}

static void json_add_problems(struct json_object *array, const struct pam_problems *problems)
{
	for (size_t i = 0; i < problems->count; i++) {
		const struct pam_problem *item = &problems->items[i];
		struct json_object *object = json_object_new_object();

		json_object_object_add(object, "code", json_object_new_string(pam_problem_name(item->code)));
		json_object_object_add(object, "severity", json_object_new_string(pam_severity_name(item->severity)));
		json_object_object_add(object, "file", json_object_new_string(item->file));
		json_object_object_add(object, "line", json_object_new_int((int)item->line));
		json_object_object_add(object, "text", json_object_new_string(item->text));
		json_object_array_add(array, object);
	}
}

static struct json_object *json_service(const struct pam_view *view)
{
	struct json_object *object = json_object_new_object(), *arguments = json_object_new_array();
	struct json_object *problems = json_object_new_array();
	const struct pam_verdict *verdict = &view->verdict;
	const struct pam_service_info *info = pam_service_info(view->stack.service);

	json_object_object_add(object, "service", json_object_new_string(view->stack.service));
	json_object_object_add(object, "state", json_object_new_string(pam_state_name(verdict->state)));
	json_object_object_add(object, "through", verdict->through ? json_object_new_string(verdict->through) : NULL);
	json_object_object_add(object, "login", json_object_new_boolean(!info || !info->no_login));
	json_object_object_add(object, "managed", json_object_new_boolean(view->managed));
	for (size_t i = 0; verdict->open && i < verdict->open->argument_count; i++)
		if (strcmp(verdict->open->arguments[i], "open") != 0)
			json_object_array_add(arguments, json_object_new_string(verdict->open->arguments[i]));
	json_object_object_add(object, "arguments", arguments);
	json_add_problems(problems, &view->stack.problems);
	json_add_problems(problems, &verdict->problems);
	json_object_object_add(object, "problems", problems);
	return object;
}

/* A known service that has sessions and no line of the module; *ret_info is what is known of it. */
static int needs_module(pam_read_fn read, void *context, const char *service, const struct pam_service_info **ret_info)
{
	const struct pam_service_info *info = pam_service_info(service);
	struct pam_verdict verdict = { 0 };
	struct pam_stack stack = { 0 };
	int r;

	if (!info || info->discouraged)
		return 0;
	r = pam_stack_read(read, context, service, &stack);
	if (r < 0)
		return r == -ENOMEM ? r : 0; /* a file that PAM cannot read opens no session */
	r = pam_stack_judge(&stack, &verdict);
	if (r >= 0)
		r = stack.count && !verdict.misspelt &&
		    (verdict.state == PAM_STATE_ABSENT || verdict.state == PAM_STATE_INCOMPLETE);
	pam_verdict_release(&verdict);
	pam_stack_release(&stack);
	*ret_info = info;
	return r;
}

static int collect_advice(const struct pam_directory *directory, pam_read_fn read, void *context,
			  struct json_object **ret)
{
	struct json_object *array = json_object_new_array();
	char **names;
	size_t count;
	int r;

	r = pam_directory_list(directory, &names, &count);
	if (r < 0) {
		json_object_put(array);
		return r;
	}
	for (size_t i = 0; i < count && r >= 0; i++) {
		const struct pam_service_info *info;
		struct json_object *object;

		r = needs_module(read, context, names[i], &info);
		if (r <= 0)
			continue;
		object = json_object_new_object();
		json_object_object_add(object, "service", json_object_new_string(names[i]));
		json_object_object_add(object, "why", json_object_new_string(info->why));
		json_object_array_add(array, object);
	}
	pam_names_release(names, count);
	if (r < 0) {
		json_object_put(array);
		return r;
	}
	*ret = array;
	return 0;
}

int print_advice(const struct pam_directory *directory, pam_read_fn read, void *context)
{
	struct json_object *advice = NULL;
	int r;

	r = collect_advice(directory, read, context, &advice);
	if (r < 0)
		return r;
	if (json_object_array_length(advice))
		printf("Still without the module, so a policy does not hold there:\n");
	for (size_t i = 0; i < json_object_array_length(advice); i++) {
		struct json_object *item = json_object_array_get_idx(advice, i);

		printf("  %-14s %s\n", json_object_get_string(json_object_object_get(item, "service")),
		       json_object_get_string(json_object_object_get(item, "why")));
	}
	json_object_put(advice);
	return 0;
}

static int print_json(struct pam_directory *directory, const struct pam_view *views, size_t count)
{
	struct json_object *root = json_object_new_object(), *services = json_object_new_array(), *advice = NULL;
	int r;

	for (size_t i = 0; i < count; i++)
		json_object_array_add(services, json_service(&views[i]));
	json_object_object_add(root, "services", services);
	r = collect_advice(directory, pam_directory_read, directory, &advice);
	if (r >= 0) {
		json_object_object_add(root, "without", advice);
		printf("%s\n",
		       json_object_to_json_string_ext(root, JSON_C_TO_STRING_PRETTY | JSON_C_TO_STRING_NOSLASHESCAPE));
	}
	json_object_put(root);
	return r;
}

/* With names: each must be enabled and without problems. Without: something must be, and nothing may have problems. */
static int judge_all(const struct pam_view *views, size_t count, bool named)
{
	bool any = false, all = true, clean = true;

	for (size_t i = 0; i < count; i++) {
		enum pam_state state = views[i].verdict.state;
		bool enabled = state == PAM_STATE_ENABLED || state == PAM_STATE_THROUGH;

		any = any || enabled;
		all = all && enabled;
		clean = clean && (pam_view_problem_count(&views[i]) == 0 || (!named && state == PAM_STATE_ABSENT));
	}
	return (named ? all : any) && clean ? PAM_EXIT_DONE : PAM_EXIT_FINDING;
}

static void complain_unread(const struct pam_directory *directory, const char *service, int error)
{
	_cleanup_free_ char *hint = error == -ENOENT ? pam_directory_hint(directory, service) : NULL;

	complain("%s/%s: %s%s", directory->path, service, strerror(-error), hint ? hint : "");
}

static int status_of(const struct pam_options *options, struct pam_directory *directory, const char *const *names,
		     size_t count)
{
	struct pam_view *views = calloc(count + 1, sizeof(*views));
	size_t used = 0;
	int r = views ? 0 : -ENOMEM, status;

	for (size_t i = 0; i < count && r >= 0; i++) {
		r = pam_view_read(directory, names[i], &views[used]);
		if (r < 0 && r != -ENOMEM) {
			complain_unread(directory, names[i], r);
			/* one dangling link among all services is no reason to show none */
			r = options->service_count ? r : 0;
			continue;
		}
		if (r < 0)
			break;
		if (!views[used].stack.count && !options->service_count)
			pam_view_release(&views[used]);
		else
			used++;
	}
	if (r >= 0)
		r = options->json ? print_json(directory, views, used) : print_status(options, directory, views, used);
	if (r >= 0 && !options->json && !options->raw)
		r = print_advice(directory, pam_directory_read, directory);
	status = r < 0 ? PAM_EXIT_FAILED : judge_all(views, used, options->service_count > 0);
	while (used--)
		pam_view_release(&views[used]);
	free(views);
	return status;
}

int pam_command_status(const struct pam_options *options)
{
	_cleanup_(pam_directory_release) struct pam_directory directory = { .fd = -1 };
	char **names = NULL;
	size_t count = 0;
	int r;

	if (open_services(options, &directory) < 0)
		return PAM_EXIT_FAILED;
	for (size_t i = 0; i < options->service_count; i++) {
		if (!pam_service_name_valid(options->services[i])) {
			complain("'%s' is no name of a PAM service", options->services[i]);
			return PAM_EXIT_FAILED;
		}
	}
	if (options->service_count)
		return status_of(options, &directory, options->services, options->service_count);

	r = pam_directory_list(&directory, &names, &count);
	if (r < 0) {
		complain("%s: %s", directory.path, strerror(-r));
		return PAM_EXIT_FAILED;
	}
	r = status_of(options, &directory, (const char *const *)names, count);
	pam_names_release(names, count);
	return r;
}

static int show_row(struct libscols_table *table, const struct pam_entry *entry)
{
	char *texts[SHOW_COLUMNS] = {
		[COLUMN_CONTROL] = strdup(entry->control ? entry->control : "(fails)"),
		[COLUMN_MODULE] = strdup(entry->module ? entry->module : ""),
		[COLUMN_MODULE_ARGUMENTS] = join_arguments(entry, true),
	};

	if (asprintf(&texts[COLUMN_WHERE], "%s:%u", entry->file, entry->line) < 0)
		texts[COLUMN_WHERE] = NULL;
	return add_row(table, texts, SHOW_COLUMNS);
}

static int show_service(const struct pam_options *options, struct pam_directory *directory, const char *service)
{
	struct pam_stack stack = { 0 };
	struct libscols_table *table;
	int r;

	r = pam_stack_read(pam_directory_read, directory, service, &stack);
	if (r < 0) {
		complain_unread(directory, service, r);
		return PAM_EXIT_FAILED;
	}
	table = new_table(options, show_columns, SHOW_COLUMNS);
	r = table ? 0 : -ENOMEM;
	for (size_t i = 0; i < stack.count && r >= 0; i++)
		r = show_row(table, &stack.entries[i]);
	if (r >= 0)
		r = print_table(table);
	else
		scols_unref_table(table);
	if (!options->raw)
		print_problems(directory, &stack.problems);
	pam_stack_release(&stack);
	return r < 0 ? PAM_EXIT_FAILED : PAM_EXIT_DONE;
}

int pam_command_show(const struct pam_options *options)
{
	_cleanup_(pam_directory_release) struct pam_directory directory = { .fd = -1 };

	if (open_services(options, &directory) < 0)
		return PAM_EXIT_FAILED;
	if (!pam_service_name_valid(options->services[0])) {
		complain("'%s' is no name of a PAM service", options->services[0]);
		return PAM_EXIT_FAILED;
	}
	return show_service(options, &directory, options->services[0]);
}
