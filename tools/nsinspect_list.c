/* SPDX-License-Identifier: BSD-3-Clause OR GPL-2.0-or-later */

/* nsinspect list: a line a session. */

#include "common/clock.h"
#include "tools/display.h"
#include "tools/inspect_sessions.h"
#include "tools/members.h"
#include "tools/when.h"

#include <inttypes.h>
#include <stddef.h>
#include <string.h>

#define TEXT_MAX 48 /* bytes of a record's text in a table; -J, -P, -r and `show` have all of it */

/* A table for people stays readable whatever somebody called themselves. */
static int shorten(const char *text, char **ret)
{
	return asprintf(ret, "%.*s...", TEXT_MAX - 3, text) < 0 ? -ENOMEM : 0;
}

/* What is shown on one line. */
struct row {
	const struct session *session;
	const struct session_login *login; /* NULL: of the session */
	bool opener;                       /* of the login that opened the session, which has left it */
};

static bool is_of_session(const struct row *row)
{
	return !row->login && !row->opener;
}

static const struct record_view *view_of(const struct row *row)
{
	return row->login ? &row->login->view : &row->session->view;
}

/* A text of the record; `argument` is its offset in struct record. */
static int record_text(const struct column *column, const void *row, enum output_style style, char **ret)
{
	const struct record_view *view = view_of(row);
	const char *text;

	if (!view->valid)
		return 0;
	text = *(char *const *)((const char *)&view->record + column->argument);
	if (style == OUTPUT_TABLE && strlen(text) > TEXT_MAX)
		return shorten(text, ret);
	return *text ? cell_text(strdup(text), ret) : 0;
}

/* Likewise of what is the session's alone. */
static int session_text(const struct column *column, const void *row, enum output_style style, char **ret)
{
	return is_of_session(row) ? record_text(column, row, style, ret) : 0;
}

static int id(const struct column *column, const void *row, enum output_style style, char **ret)
{
	(void)column;
	(void)style;
	return cell_text(strdup(view_of(row)->name), ret);
}

static int uid(const struct column *column, const void *row, enum output_style style, char **ret)
{
	const struct record_view *view = view_of(row);

	(void)column;
	(void)style;
	return view->valid ? cell_number(view->record.uid, ret) : 0;
}

static int since(const struct column *column, const void *row, enum output_style style, char **ret)
{
	const struct record_view *view = view_of(row);

	(void)column;
	return view->valid ? cell_text(display_time(view->record.opened, for_programs(style)), ret) : 0;
}

/* A session of which the kernel shows something; NULL for the line of a login. */
static const struct session *seen_session(const struct row *row)
{
	return is_of_session(row) && row->session->seen ? row->session : NULL;
}

static int namespaces(const struct column *column, const void *row, enum output_style style, char **ret)
{
	const struct session *session = seen_session(row);

	(void)column;
	return session ? cell_text(format_namespaces(session, style == OUTPUT_JSON ? '\n' : ','), ret) : 0;
}

static int namespace_inode(const struct column *column, const void *row, enum output_style style, char **ret)
{
	const struct session *session = seen_session(row);
	uint64_t inode = session ? session->namespaces[column->argument] : 0;

	(void)style;
	return inode ? cell_number(inode, ret) : 0;
}

static int state(const struct column *column, const void *row, enum output_style style, char **ret)
{
	const struct row *shown = row;
	const char *text;

	(void)column;
	(void)style;
	if (is_of_session(shown)) {
		text = session_state_name(shown->session->state);
	} else {
		enum login_state login = shown->login ? shown->login->state : shown->session->login;

		text = login == LOGIN_RUNNING ? session_state_name(SESSION_ACTIVE) : login_state_name(login);
	}
	return cell_text(strdup(text), ret);
}

static int processes(const struct column *column, const void *row, enum output_style style, char **ret)
{
	const struct session *session = seen_session(row);

	(void)column;
	(void)style;
	return session ? cell_number(session->processes, ret) : 0;
}

static int logins(const struct column *column, const void *row, enum output_style style, char **ret)
{
	const struct session *session = ((const struct row *)row)->session;

	(void)column;
	(void)style;
	return is_of_session(row) && session_is_alive(session) && session->view.valid
		       ? cell_number(session->logins_alive, ret)
		       : 0;
}

static int parent(const struct column *column, const void *row, enum output_style style, char **ret)
{
	const struct session *outer = ((const struct row *)row)->session->outer;

	(void)column;
	(void)style;
	return is_of_session(row) && outer ? cell_text(strdup(outer->view.name), ret) : 0;
}

static int depth(const struct column *column, const void *row, enum output_style style, char **ret)
{
	(void)column;
	(void)style;
	return is_of_session(row) ? cell_number(((const struct row *)row)->session->depth, ret) : 0;
}

static int login_pid(const struct column *column, const void *row, enum output_style style, char **ret)
{
	const struct record_view *view = view_of(row);

	(void)column;
	(void)style;
	return view->valid && !((const struct row *)row)->session->foreign_pids
		       ? cell_number((uint64_t)view->record.login_pid, ret)
		       : 0;
}

static int init_pid(const struct column *column, const void *row, enum output_style style, char **ret)
{
	const struct session *session = ((const struct row *)row)->session;

	(void)column;
	(void)style;
	if (!is_of_session(row) || !session_is_alive(session) || !session->view.init_pid)
		return 0;
	return cell_number((uint64_t)session->view.init_pid, ret);
}

static int hash(const struct column *column, const void *row, enum output_style style, char **ret)
{
	const struct record_view *view = view_of(row);

	(void)column;
	(void)style;
	if (!is_of_session(row) || !view->valid)
		return 0;
	return asprintf(ret, "%016" PRIx64, view->record.policy_hash) < 0 ? -ENOMEM : 0;
}

static int sources(const struct column *column, const void *row, enum output_style style, char **ret)
{
	const struct record_view *view = view_of(row);

	(void)column;
	if (!is_of_session(row) || !view->valid)
		return 0;
	if (style != OUTPUT_JSON)
		return cell_text(strdup(view->record.sources), ret);

	char *text = display_text(view->record.sources);

	for (char *at = text; at && (at = strchr(at, ',')); at++)
		*at = '\n';
	return cell_text(text, ret);
}

/* clang-format off */
#define TEXT(name, help, width, member, shown, cell) \
	{ name, help, width, SCOLS_FL_TRUNC, SCOLS_JSON_STRING, shown, offsetof(struct record, member), cell }
#define NUMBER(name, help, cell) { name, help, 0, SCOLS_FL_RIGHT, SCOLS_JSON_NUMBER, false, 0, cell }
#define INODE(name, help, kind) { name, help, 0, SCOLS_FL_RIGHT, SCOLS_JSON_NUMBER, false, kind, namespace_inode }
/* clang-format on */

static const struct column columns[] = {
	{ "ID", "session id, below it those of logins that joined it and of sessions nested in it", SESSION_ID_LENGTH,
	  SCOLS_FL_TREE, SCOLS_JSON_STRING, true, 0, id },
	TEXT("USER", "user name", 8, user, true, record_text),
	TEXT("SERVICE", "PAM service", 4, service, true, record_text),
	TEXT("TTY", "terminal", 4, tty, true, record_text),
	TEXT("FROM", "remote host as the service named it", 0.15, remote_host, true, record_text),
	{ "SINCE", "when the session was opened, or joined", 16, 0, SCOLS_JSON_STRING, true, 0, since },
	{ "NAMESPACES", "kinds of namespace that the session has to itself, from the kernel", 0.2, SCOLS_FL_TRUNC,
	  SCOLS_JSON_ARRAY_STRING, true, 0, namespaces },
	TEXT("POLICY", "policy file that decided", 0.15, policy, true, session_text),
	{ "STATE", "active, would isolate (mode audit), lingering, changed, closing, unknown, ended or invalid", 7, 0,
	  SCOLS_JSON_STRING, true, 0, state },
	NUMBER("UID", "user id", uid),
	NUMBER("PROCS", "number of processes", processes),
	NUMBER("NLOGINS", "number of logins that are in it", logins),
	TEXT("SCOPE", "session, or user where later logins join", 7, scope, false, session_text),
	TEXT("ON-LOGOUT", "kill, or wait while processes are left", 4, on_logout, false, session_text),
	{ "PARENT", "id of the session that it is nested in", SESSION_ID_LENGTH, 0, SCOLS_JSON_STRING, false, 0,
	  parent },
	NUMBER("DEPTH", "how many sessions it is nested in", depth),
	NUMBER("LOGIN-PID", "login process", login_pid),
	NUMBER("INIT-PID", "the session's init, from the lock that it holds", init_pid),
	TEXT("MODE", "mode of the policy", 7, mode, false, session_text),
	{ "HASH", "hash of the effective policy", 16, 0, SCOLS_JSON_STRING, false, 0, hash },
	{ "SOURCES", "every policy file that gave a value", 0.2, SCOLS_FL_TRUNC, SCOLS_JSON_ARRAY_STRING, false, 0,
	  sources },
	INODE("MNT", "inode of the mount namespace, from the kernel", NAMESPACE_MOUNT),
	INODE("NET", "inode of the network namespace", NAMESPACE_NETWORK),
	INODE("IPC", "inode of the IPC namespace", NAMESPACE_IPC),
	INODE("UTS", "inode of the UTS namespace", NAMESPACE_UTS),
	INODE("PID", "inode of the PID namespace", NAMESPACE_PID),
	INODE("USERNS", "inode of the user namespace", NAMESPACE_USER),
	INODE("CGROUP", "inode of the cgroup namespace", NAMESPACE_CGROUP),
	INODE("TIME", "inode of the time namespace", NAMESPACE_TIME),
};

/* What is not as it should be, and what is about to end. */
static const char *state_color(const void *row)
{
	static const char *const colors[SESSION_STATES] = {
		[SESSION_CHANGED] = "red",      [SESSION_UNKNOWN] = "red",    [SESSION_INVALID] = "red",
		[SESSION_LINGERING] = "yellow", [SESSION_CLOSING] = "yellow", [SESSION_WOULD_ISOLATE] = "yellow",
	};

	return is_of_session(row) ? colors[((const struct row *)row)->session->state] : NULL;
}

#define LOGINS_ARRAY   "logins"
#define SESSIONS_ARRAY "sessions"

/* What is listed. */
struct selection {
	struct whose whose;
	bool all;      /* also what is not alive */
	int64_t since; /* seconds since the epoch; INT64_MIN: whenever it was opened */
};

static void selection_release(struct selection *selection)
{
	whose_release(&selection->whose);
}

static bool is_newer(const struct record_view *view, int64_t since)
{
	return since == INT64_MIN || (view->valid && view->record.opened >= since);
}

/* It, or a login in it. */
static bool has_newer(const struct session *session, int64_t since)
{
	bool newer = is_newer(&session->view, since);

	for (size_t i = 0; !newer && i < session->login_count; i++)
		newer = is_newer(&session->logins[i].view, since);
	return newer;
}

/* A file that is no record but whose lock is held is a session all the same. */
static bool is_listed(const struct session *session, const struct selection *selection)
{
	return (selection->all || session_is_alive(session)) && is_of(session, &selection->whose) &&
	       has_newer(session, selection->since);
}

/* The session's own line tells of the login that opened it: that this one has left while others are in has another. */
static bool has_lost_its_opener(const struct session *session)
{
	return session->login == LOGIN_GONE && session->logins_alive > 0;
}

static int add_logins(struct report *report, const struct session *session, struct libscols_line *line,
		      const struct selection *selection)
{
	int r = 0;

	if (has_lost_its_opener(session))
		r = report_add_to(report, &(struct row){ .session = session, .opener = true }, line, LOGINS_ARRAY,
				  NULL);
	for (size_t i = 0; r == 0 && i < session->login_count; i++) {
		const struct row row = { .session = session, .login = &session->logins[i] };

		if (selection->all || row.login->state != LOGIN_ENDED)
			r = report_add_to(report, &row, line, LOGINS_ARRAY, NULL);
	}
	return r;
}

/* The line of the innermost of those around a session that are listed. */
static struct libscols_line *line_around(const struct session *session, struct libscols_line *const *lines)
{
	for (size_t depth = session->depth; depth > 0; depth--) {
		if (lines[depth - 1])
			return lines[depth - 1];
	}
	return NULL;
}

/* The items are in the order of the tree: the line of an outer session is the last one of its depth. */
static int add_sessions(struct report *report, const struct sessions *sessions, const struct selection *selection)
{
	size_t room = 0;
	int r = 0;

	for (size_t i = 0; i < sessions->count; i++)
		room = sessions->items[i]->depth > room ? sessions->items[i]->depth : room;

	_cleanup_free_ struct libscols_line **lines = calloc(room + 1, sizeof(struct libscols_line *));

	if (!lines)
		return -ENOMEM;
	for (size_t i = 0; r == 0 && i < sessions->count; i++) {
		const struct session *session = sessions->items[i];
		struct libscols_line **line = &lines[session->depth];

		*line = NULL;
		if (!is_listed(session, selection))
			continue;
		r = report_add_to(report, &(struct row){ .session = session }, line_around(session, lines),
				  SESSIONS_ARRAY, line);
		if (r == 0)
			r = add_logins(report, session, *line, selection);
	}
	return r;
}

static int print(struct report *report, const struct sessions *sessions, const struct options *options, int64_t since)
{
	_cleanup_(selection_release) struct selection selection = { .all = options->all,
								    .since = since,
								    .whose.service = options->service };
	int r = find_whose(options->user, &selection.whose);

	if (r == 0 && report_shows(report, "PROCS"))
		r = members_count(sessions);
	if (r == 0)
		r = add_sessions(report, sessions, &selection);
	return r < 0 ? r : report_print(report);
}

/* Whose processes are whose, and what namespaces there are, needs every one of them. */
static enum sessions_look look_for(const struct report *report)
{
	bool whole = report_shows(report, "PROCS");

	for (size_t i = 0; !whole && i < ELEMENTS(columns); i++)
		whole = columns[i].cell == namespace_inode && report_shows(report, columns[i].name);
	return whole ? LOOK_WHOLE : LOOK_BRIEF;
}

static enum exit_status run(const struct options *options, char **arguments)
{
	_cleanup_(sessions_release) struct sessions sessions = { 0 };
	_cleanup_(report_freep) struct report *report = NULL;
	_cleanup_free_ char *problem = NULL;
	enum exit_status status;
	int64_t since = INT64_MIN;
	int r;

	(void)arguments;
	if (options->since && when_parse(options->since, now_seconds(), &since, &problem) < 0)
		return trouble("--since: %s", problem ? problem : "out of memory");
	r = report_new("sessions", columns, ELEMENTS(columns), &options->layout, &report, &problem);
	if (r < 0)
		return trouble("%s", problem ? problem : strerror(-r));
	report_color(report, "STATE", state_color);
	if (!load_sessions(options, look_for(report), &sessions, &status))
		return status;
	r = print(report, &sessions, options, since);
	return r < 0 ? trouble_errno(r, "list") : EXIT_CLEAN;
}

const struct subcommand command_list = {
	.name = "list",
	.arguments = "",
	.summary = "list the live sessions",
	.options =
		OPTIONS_TABLE | OPTIONS_JSON | OPTIONS_VIEW | OPTIONS_ALL | OPTIONS_USER | OPTIONS_BY | OPTIONS_RECORDS,
	.columns = columns,
	.column_count = ELEMENTS(columns),
	.run = run,
};
