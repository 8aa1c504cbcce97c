/* SPDX-License-Identifier: BSD-3-Clause OR GPL-2.0-or-later */
#include "tools/show.h"

#include "tools/capability_text.h"
#include "tools/control_group.h"
#include "tools/members.h"
#include "tools/process_info.h"
#include "tools/tally.h"

#include <inttypes.h>
#include <string.h>

#define TEXT_MAX (16 * 1024)

struct survey {
	const struct session *session;
	struct tallies privileges, limits, groups;
};

static void survey_release(struct survey *survey)
{
	tallies_release(&survey->privileges);
	tallies_release(&survey->limits);
	tallies_release(&survey->groups);
}

/* proc_pid_status(5) */
static int add_privileges(struct survey *survey, const char *status, pid_t pid)
{
	static const struct {
		const char *key, *name;
	} sets[] = {
		{ "\nCapBnd:\t", "bounding" },    { "\nCapPrm:\t", "permitted" }, { "\nCapEff:\t", "effective" },
		{ "\nCapInh:\t", "inheritable" }, { "\nCapAmb:\t", "ambient" },
	};
	const char *no_new_privs = process_status_value(status, "\nNoNewPrivs:\t");
	int r = 0;

	for (size_t i = 0; r == 0 && i < ELEMENTS(sets); i++) {
		const char *found = process_status_value(status, sets[i].key);
		_cleanup_free_ char *text = NULL;
		uint64_t set;

		if (!found || sscanf(found, "%" SCNx64, &set) != 1)
			continue;
		text = capability_text(set);
		r = text ? tallies_add(&survey->privileges, sets[i].name, text, pid) : -ENOMEM;
	}
	if (r == 0 && no_new_privs)
		r = tallies_add(&survey->privileges, "no-new-privileges", *no_new_privs == '1' ? "yes" : "no", pid);
	return r;
}

/* "Max cpu time              unlimited            unlimited            seconds": columns at 26 and 47. */
static int add_limits(struct survey *survey, char *text, pid_t pid)
{
	char *rest = text, *line;
	int r = 0;

	while (r == 0 && (line = strsep(&rest, "\n"))) {
		char name[23];

		if (strncmp(line, "Max ", 4) != 0 || strlen(line) < 47)
			continue;
		(void)snprintf(name, sizeof(name), "%.22s", line + 4);
		for (size_t end = strlen(name); end > 0 && name[end - 1] == ' '; end--)
			name[end - 1] = '\0';
		r = tallies_add(&survey->limits, name, line + 26, pid);
	}
	return r;
}

static int add_group(struct survey *survey, const char *text, pid_t pid)
{
	_cleanup_free_ char *path = control_group_path(text);

	return path ? tallies_add(&survey->groups, "", path, pid) : 0;
}

/* All that is known of one process at one time, or nothing. */
static int survey_process(struct survey *survey, int process, pid_t pid)
{
	_cleanup_free_ char *status = NULL, *limits = NULL, *group = NULL;
	int r = process_file_read(process, "status", TEXT_MAX, &status, NULL);

	if (r == 0)
		r = process_file_read(process, "limits", TEXT_MAX, &limits, NULL);
	if (r == 0)
		r = process_file_read(process, "cgroup", TEXT_MAX, &group, NULL);
	if (r < 0)
		return r == -ENOMEM ? r : 0;
	r = add_privileges(survey, status, pid);
	if (r == 0)
		r = add_limits(survey, limits, pid);
	return r < 0 ? r : add_group(survey, group, pid);
}

/* The inits are the engine's, and have what they need: they tell nothing of what the session's processes may do. */
static int judge(struct session *session, int process, void *data)
{
	struct survey *survey = data;
	struct process_info info = { 0 };
	int r;

	if (!session_is_within(session, survey->session))
		return 0;
	r = process_info_read(process, &info);
	if (r == 0 && info.pid != session->view.init_pid && !process_is_zombie(&info))
		r = survey_process(survey, process, info.pid);
	process_info_release(&info);
	return r == -ENOMEM ? r : 0;
}

/* Which have it, and whether that is what most have. */
static void show_counts(json_object *object, const struct tally *tally, const struct variant *variant)
{
	bool differs = variant != tally_most(tally);
	_cleanup_free_ char *pids = variant_pids(variant);

	document_number(object, "processes", variant->count);
	document_number(object, "of", tally->total);
	document_text(object, "pids", differs ? (pids ? pids : "?") : NULL);
	document_bool(object, "differs", differs);
}

static void show_privilege(json_object *object, const struct tally *tally, const struct variant *variant)
{
	document_text(object, "set", tally->name);
	document_text(object, "value", variant->value);
}

static void show_limit(json_object *object, const struct tally *tally, const struct variant *variant)
{
	char soft[21] = "", hard[21] = "", unit[16] = "";

	(void)sscanf(variant->value, "%20s %20s %15s", soft, hard, unit);
	document_text(object, "limit", tally->name);
	document_text(object, "soft", soft);
	document_text(object, "hard", hard);
	document_text(object, "unit", unit);
}

static void show_group(json_object *object, const struct tally *tally, const struct variant *variant)
{
	struct control_group group = { 0 };

	(void)tally;
	control_group_read(variant->value, &group);
	document_text(object, "path", variant->value);
	document_text(object, "memory-max", group.memory_max);
	document_text(object, "memory-now", group.memory_current);
	document_text(object, "tasks-max", group.tasks_max);
	document_text(object, "tasks-now", group.tasks_current);
	document_text(object, "cpu-weight", group.cpu_weight);
}

static void show_tallies(json_object *document, const char *key, const struct tallies *tallies,
			 void (*show)(json_object *object, const struct tally *tally, const struct variant *variant))
{
	json_object *array = document_array(document, key);

	for (size_t i = 0; i < tallies->count; i++) {
		const struct tally *tally = &tallies->items[i];

		for (size_t j = 0; j < tally->count; j++) {
			json_object *object = document_object(array, NULL);

			show(object, tally, &tally->variants[j]);
			show_counts(object, tally, &tally->variants[j]);
		}
	}
}

int show_processes(json_object *document, const struct sessions *sessions, const struct session *session)
{
	_cleanup_(survey_release) struct survey survey = { .session = session };
	int r = members_visit(sessions, judge, &survey);

	if (r < 0)
		return r;
	show_tallies(document, "privileges", &survey.privileges, show_privilege);
	show_tallies(document, "limits", &survey.limits, show_limit);
	show_tallies(document, "control-groups", &survey.groups, show_group);
	return 0;
}
