/* SPDX-License-Identifier: BSD-3-Clause OR GPL-2.0-or-later */

/* nsinspect ps: the processes of sessions as trees, with the pids of both sides and the way that they came. */

#include "tools/display.h"
#include "tools/inspect_sessions.h"
#include "tools/ps_members.h"

#include <pwd.h>
#include <string.h>

static int id(const struct column *column, const void *row, enum output_style style, char **ret)
{
	(void)column;
	(void)style;
	return cell_text(strdup(((const struct ps_member *)row)->session->view.name), ret);
}

static int parent(const struct column *column, const void *row, enum output_style style, char **ret)
{
	const struct session *outer = ((const struct ps_member *)row)->session->outer;

	(void)column;
	(void)style;
	return outer ? cell_text(strdup(outer->view.name), ret) : 0;
}

static int host_pid(const struct column *column, const void *row, enum output_style style, char **ret)
{
	(void)column;
	(void)style;
	return cell_number((uint64_t)((const struct ps_member *)row)->info.pid, ret);
}

/* Its pid in the session's own PID namespace, whatever namespaces lie below that. */
static int inside_pid(const struct column *column, const void *row, enum output_style style, char **ret)
{
	const struct ps_member *member = row;

	(void)column;
	(void)style;
	return member->level < member->info.level_count ? cell_number((uint64_t)member->info.levels[member->level], ret)
							: 0;
}

static int host_parent(const struct column *column, const void *row, enum output_style style, char **ret)
{
	(void)column;
	(void)style;
	return cell_number((uint64_t)((const struct ps_member *)row)->info.parent, ret);
}

static int inside_parent(const struct column *column, const void *row, enum output_style style, char **ret)
{
	const struct ps_member *member = row;

	(void)column;
	(void)style;
	return member->level < member->info.level_count ? cell_number((uint64_t)member->parent_pid, ret) : 0;
}

static bool has_login(const struct session *session)
{
	return session->state != SESSION_LINGERING && session->state != SESSION_CLOSING;
}

static int entry(const struct column *column, const void *row, enum output_style style, char **ret)
{
	const struct ps_member *member = row;
	const char *text = NULL;

	(void)column;
	(void)style;
	if (member->entry == ENTRY_OUTSIDE)
		text = "outside";
	else if (!has_login(member->session))
		text = "lingering";
	else if (member->entry == ENTRY_LOGIN)
		text = "login";
	return text ? cell_text(strdup(text), ret) : 0;
}

static int session_state(const struct column *column, const void *row, enum output_style style, char **ret)
{
	(void)column;
	(void)style;
	return cell_text(strdup(session_state_name(((const struct ps_member *)row)->session->state)), ret);
}

static int user(const struct column *column, const void *row, enum output_style style, char **ret)
{
	const struct ps_member *member = row;
	const struct passwd *entry = getpwuid(member->info.uid);

	(void)column;
	(void)style;
	return entry ? cell_text(strdup(entry->pw_name), ret) : cell_number(member->info.uid, ret);
}

static int uid(const struct column *column, const void *row, enum output_style style, char **ret)
{
	(void)column;
	(void)style;
	return cell_number(((const struct ps_member *)row)->info.uid, ret);
}

static int state(const struct column *column, const void *row, enum output_style style, char **ret)
{
	const char letters[] = { ((const struct ps_member *)row)->info.state, '\0' };

	(void)column;
	(void)style;
	return cell_text(strdup(letters), ret);
}

static int cpu_time(const struct column *column, const void *row, enum output_style style, char **ret)
{
	const struct ps_member *member = row;

	(void)column;
	return for_programs(style) ? cell_number(member->info.cpu, ret)
				   : cell_text(display_cpu_time(member->info.cpu), ret);
}

static int memory(const struct column *column, const void *row, enum output_style style, char **ret)
{
	const struct ps_member *member = row;

	(void)column;
	return for_programs(style) ? cell_number(member->info.memory, ret)
				   : cell_text(display_size(member->info.memory), ret);
}

static int command(const struct column *column, const void *row, enum output_style style, char **ret)
{
	(void)column;
	(void)style;
	return cell_text(strdup(((const struct ps_member *)row)->info.command), ret);
}

static const struct column columns[] = {
	{ "ID", "id of the session, or of the one nested in it, that the process is in", SESSION_ID_LENGTH, 0,
	  SCOLS_JSON_STRING, true, 0, id },
	{ "HOST-PID", "pid where nsinspect runs", 5, SCOLS_FL_RIGHT, SCOLS_JSON_NUMBER, true, 0, host_pid },
	{ "HOST-PPID", "pid of the parent where nsinspect runs", 5, SCOLS_FL_RIGHT, SCOLS_JSON_NUMBER, COLUMN_FLAT, 0,
	  host_parent },
	{ "PID", "pid inside the session", 5, SCOLS_FL_RIGHT, SCOLS_JSON_NUMBER, true, 0, inside_pid },
	{ "PPID", "pid of the parent inside the session, 0 for one outside", 5, SCOLS_FL_RIGHT, SCOLS_JSON_NUMBER,
	  COLUMN_FLAT, 0, inside_parent },
	{ "USER", "effective user", 8, SCOLS_FL_TRUNC, SCOLS_JSON_STRING, true, 0, user },
	{ "STATE", "state as ps(1) shows it", 1, 0, SCOLS_JSON_STRING, true, 0, state },
	{ "ENTRY", "login; outside: by nsenter(1) and the like; lingering: the session has no login any more", 5, 0,
	  SCOLS_JSON_STRING, true, 0, entry },
	{ "TIME", "CPU time; seconds in -J, -P and -r", 8, SCOLS_FL_RIGHT, SCOLS_JSON_NUMBER, true, 0, cpu_time },
	{ "RSS", "resident memory; bytes in -J, -P and -r", 5, SCOLS_FL_RIGHT, SCOLS_JSON_NUMBER, true, 0, memory },
	{ "COMMAND", "command line", 0.4, SCOLS_FL_TREE | SCOLS_FL_TRUNC, SCOLS_JSON_STRING, true, 0, command },
	{ "SESSION", "state of the session, as list shows it", 6, 0, SCOLS_JSON_STRING, false, 0, session_state },
	{ "UID", "effective user id", 0, SCOLS_FL_RIGHT, SCOLS_JSON_NUMBER, false, 0, uid },
	{ "PARENT", "id of the session that this one is nested in", SESSION_ID_LENGTH, 0, SCOLS_JSON_STRING, false, 0,
	  parent },
};

static const char *entry_color(const void *row)
{
	const struct ps_member *member = row;

	if (member->entry == ENTRY_OUTSIDE)
		return "red";
	return has_login(member->session) ? NULL : "yellow";
}

/* A process comes below its parent, which is added first. */
static int add(struct report *report, const struct ps_members *members, struct ps_member *member)
{
	struct ps_member *parent = ps_find(members, member->group, member->info.parent);
	struct libscols_line *above = NULL;

	if (member->line || member->adding)
		return 0;
	member->adding = true;
	if (parent) {
		int r = add(report, members, parent);

		if (r < 0)
			return r;
		above = parent->line;
		if (member->level < parent->info.level_count)
			member->parent_pid = parent->info.levels[member->level];
	}
	member->entry = ps_find_entry(member, parent);
	return report_add(report, member, above, &member->line);
}

static int print(struct report *report, struct ps_members *members)
{
	int r = ps_collect(members);

	if (r < 0)
		return r;
	for (size_t i = 0; i < members->count; i++) {
		r = add(report, members, &members->items[i]);
		if (r < 0)
			return r;
	}
	return report_print(report);
}

/* An ended session is found by its id, but has no processes to show. */
static bool pick_only(const struct sessions *sessions, const char *session_id, struct ps_members *members,
		      enum exit_status *ret_status)
{
	members->only = pick_session(sessions, session_id, ret_status);
	if (!members->only)
		return false;
	if (session_is_alive(members->only))
		return true;
	(void)trouble("session '%s' has ended", members->only->view.name);
	*ret_status = EXIT_FINDINGS;
	return false;
}

static enum exit_status run(const struct options *options, char **arguments)
{
	_cleanup_(sessions_release) struct sessions sessions = { 0 };
	_cleanup_(ps_release) struct ps_members members = { 0 };
	_cleanup_(report_freep) struct report *report = NULL;
	_cleanup_free_ char *problem = NULL;
	enum exit_status status;
	int r;

	r = report_new("processes", columns, ELEMENTS(columns), &options->layout, &report, &problem);
	if (r < 0)
		return trouble("%s", problem ? problem : strerror(-r));
	report_color(report, "ENTRY", entry_color);
	if (!load_sessions(options, LOOK_WHOLE, &sessions, &status))
		return status;
	members.sessions = &sessions;
	members.whose.service = options->service;
	if (find_whose(options->user, &members.whose) < 0)
		return trouble_errno(ENOMEM, "ps");
	if (arguments[0] && !pick_only(&sessions, arguments[0], &members, &status))
		return status;
	r = print(report, &members);
	return r < 0 ? trouble_errno(r, "ps") : EXIT_CLEAN;
}

const struct subcommand command_ps = {
	.name = "ps",
	.arguments = "[ID]",
	.summary = "show the processes of one session or of all as trees",
	.arguments_max = 1,
	.options = OPTIONS_TABLE | OPTIONS_JSON | OPTIONS_VIEW | OPTIONS_USER | OPTIONS_BY | OPTIONS_RECORDS,
	.columns = columns,
	.column_count = ELEMENTS(columns),
	.run = run,
};
