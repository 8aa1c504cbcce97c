/* SPDX-License-Identifier: BSD-3-Clause OR GPL-2.0-or-later */

/* nsinspect ps: the processes of sessions as trees, with the pids of both sides. */

#include "tools/display.h"
#include "tools/inspect_sessions.h"
#include "tools/members.h"
#include "tools/process_info.h"

#include <pwd.h>
#include <string.h>

struct member {
	struct process_info info;
	struct session *session;     /* the innermost that it is in */
	const struct session *group; /* the outermost: with those nested in it one tree */
	size_t level;                /* how deep below the reader's the session's PID namespace lies */
	struct libscols_line *line;
	bool adding; /* its ancestors are being added: a loop in what was read ends here */
};

struct members {
	struct member *items;
	size_t count;
	const struct session *only; /* NULL: of every session */
};

static void members_release(struct members *members)
{
	for (size_t i = 0; i < members->count; i++)
		process_info_release(&members->items[i].info);
	free(members->items);
}

static int id(const struct column *column, const void *row, enum output_style style, char **ret)
{
	(void)column;
	(void)style;
	return cell_text(strdup(((const struct member *)row)->session->view.name), ret);
}

static int parent(const struct column *column, const void *row, enum output_style style, char **ret)
{
	const struct session *outer = ((const struct member *)row)->session->outer;

	(void)column;
	(void)style;
	return outer ? cell_text(strdup(outer->view.name), ret) : 0;
}

static int host_pid(const struct column *column, const void *row, enum output_style style, char **ret)
{
	(void)column;
	(void)style;
	return cell_number((uint64_t)((const struct member *)row)->info.pid, ret);
}

/* Its pid in the session's own PID namespace, whatever namespaces lie below that. */
static int inside_pid(const struct column *column, const void *row, enum output_style style, char **ret)
{
	const struct member *member = row;

	(void)column;
	(void)style;
	return member->level < member->info.level_count ? cell_number((uint64_t)member->info.levels[member->level], ret)
							: 0;
}

static int user(const struct column *column, const void *row, enum output_style style, char **ret)
{
	const struct member *member = row;
	const struct passwd *entry = getpwuid(member->info.uid);

	(void)column;
	(void)style;
	return entry ? cell_text(strdup(entry->pw_name), ret) : cell_number(member->info.uid, ret);
}

static int uid(const struct column *column, const void *row, enum output_style style, char **ret)
{
	(void)column;
	(void)style;
	return cell_number(((const struct member *)row)->info.uid, ret);
}

static int state(const struct column *column, const void *row, enum output_style style, char **ret)
{
	const char letters[] = { ((const struct member *)row)->info.state, '\0' };

	(void)column;
	(void)style;
	return cell_text(strdup(letters), ret);
}

static int cpu_time(const struct column *column, const void *row, enum output_style style, char **ret)
{
	const struct member *member = row;

	(void)column;
	return for_programs(style) ? cell_number(member->info.cpu, ret)
				   : cell_text(display_cpu_time(member->info.cpu), ret);
}

static int memory(const struct column *column, const void *row, enum output_style style, char **ret)
{
	const struct member *member = row;

	(void)column;
	return for_programs(style) ? cell_number(member->info.memory, ret)
				   : cell_text(display_size(member->info.memory), ret);
}

static int command(const struct column *column, const void *row, enum output_style style, char **ret)
{
	(void)column;
	(void)style;
	return cell_text(strdup(((const struct member *)row)->info.command), ret);
}

static const struct column columns[] = {
	{ "ID", "id of the session, or of the one nested in it, that the process is in", SESSION_ID_LENGTH, 0,
	  SCOLS_JSON_STRING, true, 0, id },
	{ "HOST-PID", "pid where nsinspect runs", 5, SCOLS_FL_RIGHT, SCOLS_JSON_NUMBER, true, 0, host_pid },
	{ "PID", "pid inside the session", 5, SCOLS_FL_RIGHT, SCOLS_JSON_NUMBER, true, 0, inside_pid },
	{ "USER", "effective user", 8, SCOLS_FL_TRUNC, SCOLS_JSON_STRING, true, 0, user },
	{ "STATE", "state as ps(1) shows it", 1, 0, SCOLS_JSON_STRING, true, 0, state },
	{ "TIME", "CPU time; seconds in -J, -P and -r", 8, SCOLS_FL_RIGHT, SCOLS_JSON_NUMBER, true, 0, cpu_time },
	{ "RSS", "resident memory; bytes in -J, -P and -r", 5, SCOLS_FL_RIGHT, SCOLS_JSON_NUMBER, true, 0, memory },
	{ "COMMAND", "command line", 0.4, SCOLS_FL_TREE | SCOLS_FL_TRUNC, SCOLS_JSON_STRING, true, 0, command },
	{ "UID", "effective user id", 0, SCOLS_FL_RIGHT, SCOLS_JSON_NUMBER, false, 0, uid },
	{ "PARENT", "id of the session that this one is nested in", SESSION_ID_LENGTH, 0, SCOLS_JSON_STRING, false, 0,
	  parent },
};

static bool is_within(const struct session *session, const struct session *outer)
{
	while (session && session != outer)
		session = session->outer;
	return session != NULL;
}

static const struct session *outermost(const struct session *session)
{
	while (session->outer)
		session = session->outer;
	return session;
}

/* Called for every process of every session. */
static int collect(struct session *session, int process, void *data)
{
	struct members *members = data;
	struct member member = { .session = session, .group = outermost(session) };

	if (members->only && !is_within(session, members->only))
		return 0;

	int r = process_info_read(process, &member.info);

	/* gone meanwhile */
	if (r < 0)
		return r == -ENOMEM ? r : 0;

	struct member *items = reallocarray(members->items, members->count + 1, sizeof(*items));

	if (!items) {
		process_info_release(&member.info);
		return -ENOMEM;
	}
	items[members->count++] = member;
	members->items = items;
	return 0;
}

static int compare_members(const void *a, const void *b)
{
	const struct member *left = a;
	const struct member *right = b;
	int r = strcmp(left->group->view.name, right->group->view.name);

	return r != 0 ? r : (left->info.pid > right->info.pid) - (left->info.pid < right->info.pid);
}

static struct member *find_member(const struct members *members, const struct session *group, pid_t pid)
{
	const struct member key = { .group = group, .info = { .pid = pid } };

	if (members->count == 0)
		return NULL;
	return bsearch(&key, members->items, members->count, sizeof(key), compare_members);
}

/* The init is the innermost of its own NSpid line: its number of levels is that of the session. */
static void set_level(const struct members *members, struct member *member)
{
	const struct member *init = find_member(members, member->group, member->session->view.init_pid);

	member->level = init ? init->info.level_count - 1 : PID_LEVELS;
}

/* A process comes below its parent, which is added first. */
static int add(struct report *report, const struct members *members, struct member *member)
{
	struct member *parent = find_member(members, member->group, member->info.parent);
	struct libscols_line *above = NULL;

	if (member->line || member->adding)
		return 0;
	member->adding = true;
	if (parent) {
		int r = add(report, members, parent);

		if (r < 0)
			return r;
		above = parent->line;
	}
	return report_add(report, member, above, &member->line);
}

static int print(struct report *report, struct members *members, const struct sessions *sessions)
{
	int r = members_visit(sessions, collect, members);

	if (r < 0)
		return r;
	if (members->count > 1)
		qsort(members->items, members->count, sizeof(*members->items), compare_members);
	for (size_t i = 0; i < members->count; i++)
		set_level(members, &members->items[i]);
	for (size_t i = 0; i < members->count; i++) {
		r = add(report, members, &members->items[i]);
		if (r < 0)
			return r;
	}
	return report_print(report);
}

/* An ended session is found by its id, but has no processes to show. */
static bool pick_only(const struct sessions *sessions, const char *session_id, struct members *members,
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
	_cleanup_(members_release) struct members members = { 0 };
	_cleanup_(report_freep) struct report *report = NULL;
	_cleanup_free_ char *problem = NULL;
	enum exit_status status;
	int r;

	r = report_new("processes", columns, ELEMENTS(columns), &options->layout, &report, &problem);
	if (r < 0)
		return trouble("%s", problem ? problem : strerror(-r));
	if (!load_sessions(options, &sessions, &status))
		return status;
	if (arguments[0] && !pick_only(&sessions, arguments[0], &members, &status))
		return status;
	r = print(report, &members, &sessions);
	return r < 0 ? trouble_errno(r, "ps") : EXIT_CLEAN;
}

const struct subcommand command_ps = {
	.name = "ps",
	.arguments = "[ID]",
	.summary = "show the processes of one session or of all as trees",
	.arguments_max = 1,
	.options = OPTIONS_TABLE | OPTIONS_JSON | OPTIONS_RECORDS,
	.columns = columns,
	.column_count = ELEMENTS(columns),
	.run = run,
};
