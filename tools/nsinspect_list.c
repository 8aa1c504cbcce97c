/* SPDX-License-Identifier: BSD-3-Clause OR GPL-2.0-or-later */

/* nsinspect list: a line a session. */

#include "tools/display.h"
#include "tools/inspect_sessions.h"
#include "tools/members.h"

#include <inttypes.h>
#include <stddef.h>
#include <string.h>

#define TEXT_MAX 48 /* bytes of a record's text in a table; -J, -P, -r and `show` have all of it */

/* A table for people stays readable whatever somebody called themselves. */
static int shorten(const char *text, char **ret)
{
	return asprintf(ret, "%.*s...", TEXT_MAX - 3, text) < 0 ? -ENOMEM : 0;
}

/* A text of the record; `argument` is its offset in struct record. */
static int record_text(const struct column *column, const void *row, enum output_style style, char **ret)
{
	const struct session *session = row;
	const char *text;

	if (!session->view->valid)
		return 0;
	text = *(char *const *)((const char *)&session->view->record + column->argument);
	if (style == OUTPUT_TABLE && strlen(text) > TEXT_MAX)
		return shorten(text, ret);
	return *text ? cell_text(strdup(text), ret) : 0;
}

static int id(const struct column *column, const void *row, enum output_style style, char **ret)
{
	(void)column;
	(void)style;
	return cell_text(strdup(((const struct session *)row)->view->name), ret);
}

static int uid(const struct column *column, const void *row, enum output_style style, char **ret)
{
	const struct session *session = row;

	(void)column;
	(void)style;
	return session->view->valid ? cell_number(session->view->record.uid, ret) : 0;
}

static int since(const struct column *column, const void *row, enum output_style style, char **ret)
{
	const struct session *session = row;

	(void)column;
	return session->view->valid ? cell_text(display_time(session->view->record.opened, for_programs(style)), ret)
				    : 0;
}

static int namespaces(const struct column *column, const void *row, enum output_style style, char **ret)
{
	const struct session *session = row;

	(void)column;
	return session->seen ? cell_text(format_namespaces(session, style == OUTPUT_JSON ? '\n' : ','), ret) : 0;
}

static int namespace_inode(const struct column *column, const void *row, enum output_style style, char **ret)
{
	const struct session *session = row;
	uint64_t inode = session->namespaces[column->argument];

	(void)style;
	return session->seen && inode ? cell_number(inode, ret) : 0;
}

static int state(const struct column *column, const void *row, enum output_style style, char **ret)
{
	(void)column;
	(void)style;
	return cell_text(strdup(session_state_name(((const struct session *)row)->state)), ret);
}

static int processes(const struct column *column, const void *row, enum output_style style, char **ret)
{
	const struct session *session = row;

	(void)column;
	(void)style;
	return session->seen ? cell_number(session->processes, ret) : 0;
}

static int login_pid(const struct column *column, const void *row, enum output_style style, char **ret)
{
	const struct session *session = row;

	(void)column;
	(void)style;
	return session->view->valid ? cell_number((uint64_t)session->view->record.login_pid, ret) : 0;
}

static int init_pid(const struct column *column, const void *row, enum output_style style, char **ret)
{
	const struct session *session = row;

	(void)column;
	(void)style;
	if (!session_is_alive(session) || !session->view->init_pid)
		return 0;
	return cell_number((uint64_t)session->view->init_pid, ret);
}

static int hash(const struct column *column, const void *row, enum output_style style, char **ret)
{
	const struct session *session = row;

	(void)column;
	(void)style;
	if (!session->view->valid)
		return 0;
	return asprintf(ret, "%016" PRIx64, session->view->record.policy_hash) < 0 ? -ENOMEM : 0;
}

static int sources(const struct column *column, const void *row, enum output_style style, char **ret)
{
	const struct session *session = row;

	(void)column;
	if (!session->view->valid)
		return 0;
	if (style != OUTPUT_JSON)
		return cell_text(strdup(session->view->record.sources), ret);

	char *text = display_text(session->view->record.sources);

	for (char *at = text; at && (at = strchr(at, ',')); at++)
		*at = '\n';
	return cell_text(text, ret);
}

/* clang-format off */
#define TEXT(name, help, width, member, shown) \
	{ name, help, width, SCOLS_FL_TRUNC, SCOLS_JSON_STRING, shown, offsetof(struct record, member), record_text }
#define NUMBER(name, help, cell) { name, help, 0, SCOLS_FL_RIGHT, SCOLS_JSON_NUMBER, false, 0, cell }
#define INODE(name, help, kind) { name, help, 0, SCOLS_FL_RIGHT, SCOLS_JSON_NUMBER, false, kind, namespace_inode }
/* clang-format on */

static const struct column columns[] = {
	{ "ID", "session id", SESSION_ID_LENGTH, 0, SCOLS_JSON_STRING, true, 0, id },
	TEXT("USER", "user name", 8, user, true),
	TEXT("SERVICE", "PAM service", 4, service, true),
	TEXT("TTY", "terminal", 4, tty, true),
	TEXT("FROM", "remote host as the service named it", 0.15, remote_host, true),
	{ "SINCE", "when the session was opened", 16, 0, SCOLS_JSON_STRING, true, 0, since },
	{ "NAMESPACES", "kinds of namespace that the session has to itself, from the kernel", 0.2, SCOLS_FL_TRUNC,
	  SCOLS_JSON_ARRAY_STRING, true, 0, namespaces },
	TEXT("POLICY", "policy file that decided", 0.15, policy, true),
	{ "STATE", "active, would isolate (mode audit), changed, closing, unknown, ended or invalid", 7, 0,
	  SCOLS_JSON_STRING, true, 0, state },
	NUMBER("UID", "user id", uid),
	NUMBER("PROCS", "number of processes", processes),
	NUMBER("LOGIN-PID", "login process", login_pid),
	NUMBER("INIT-PID", "the session's init, from the lock that it holds", init_pid),
	TEXT("MODE", "mode of the policy", 7, mode, false),
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

/* A file that is no record but whose lock is held is a session all the same. */
static bool is_listed(const struct session *session, const struct options *options)
{
	return options->all || session_is_alive(session);
}

static int print(struct report *report, const struct sessions *sessions, const struct options *options)
{
	int r = report_shows(report, "PROCS") ? members_count(sessions) : 0;

	for (size_t i = 0; r == 0 && i < sessions->count; i++) {
		if (is_listed(&sessions->items[i], options))
			r = report_add(report, &sessions->items[i], NULL, NULL);
	}
	return r < 0 ? r : report_print(report);
}

static enum exit_status run(const struct options *options, char **arguments)
{
	_cleanup_(sessions_release) struct sessions sessions = { 0 };
	_cleanup_(report_freep) struct report *report = NULL;
	_cleanup_free_ char *problem = NULL;
	enum exit_status status;
	int r;

	(void)arguments;
	r = report_new("sessions", columns, ELEMENTS(columns), &options->layout, &report, &problem);
	if (r < 0)
		return trouble("%s", problem ? problem : strerror(-r));
	if (!load_sessions(options, &sessions, &status))
		return status;
	r = print(report, &sessions, options);
	return r < 0 ? trouble_errno(r, "list") : EXIT_CLEAN;
}

const struct command command_list = {
	.name = "list",
	.arguments = "",
	.summary = "list the live sessions",
	.options = OPTIONS_TABLE | OPTIONS_JSON | OPTIONS_ALL | OPTIONS_RECORDS,
	.columns = columns,
	.column_count = ELEMENTS(columns),
	.run = run,
};
