/* SPDX-License-Identifier: BSD-3-Clause OR GPL-2.0-or-later */
#include "tools/sessions.h"

#include "session/process.h"
#include "tools/nested.h"
#include "tools/process_info.h"
#include "tools/session_judge.h"
#include "tools/session_tree.h"

#include <fcntl.h>
#include <string.h>

static const char *const state_names[SESSION_STATES] = {
	[SESSION_ACTIVE] = "active",       [SESSION_WOULD_ISOLATE] = "would isolate",
	[SESSION_LINGERING] = "lingering", [SESSION_CHANGED] = "changed",
	[SESSION_CLOSING] = "closing",     [SESSION_UNKNOWN] = "unknown",
	[SESSION_ENDED] = "ended",         [SESSION_INVALID] = "invalid",
};

const char *session_state_name(enum session_state state)
{
	return state_names[state];
}

const char *login_state_name(enum login_state state)
{
	switch (state) {
	case LOGIN_RUNNING:
		return "running";
	case LOGIN_GONE:
		return "gone";
	case LOGIN_ENDED:
		return "ended";
	case LOGIN_UNKNOWN:
		break;
	}
	return "unknown";
}

static void session_free(struct session *session)
{
	for (size_t i = 0; i < session->login_count; i++)
		record_release(&session->logins[i].view.record);
	free(session->logins);
	record_release(&session->view.record);
	free(session);
}

void sessions_release(struct sessions *sessions)
{
	for (size_t i = 0; i < sessions->count; i++)
		session_free(sessions->items[i]);
	free(sessions->items);
	*sessions = (struct sessions){ 0 };
}

/* Neither the host's nor of a session around it. */
static bool is_own(const struct session *session, const uint64_t host[NAMESPACE_KINDS], enum namespace_kind kind)
{
	uint64_t inode = session->namespaces[kind];

	for (const struct session *outer = session->outer; outer; outer = outer->outer) {
		if (outer->namespaces[kind] == inode)
			return false;
	}
	return inode != 0 && inode != host[kind];
}

void session_conclude(struct session *session, const uint64_t host[NAMESPACE_KINDS])
{
	const struct record *record = &session->view.record;

	for (enum namespace_kind kind = 0; session->seen && kind < NAMESPACE_KINDS; kind++)
		session->apart[kind] = is_own(session, host, kind);
	if (session->state != SESSION_ACTIVE && session->state != SESSION_UNKNOWN)
		return;

	session->logins_alive = login_is_alive(session->login) ? 1 : 0;
	for (size_t i = 0; i < session->login_count; i++)
		session->logins_alive += login_is_alive(session->logins[i].state) ? 1 : 0;
	if (session->state == SESSION_UNKNOWN)
		return;
	if (!session_matches_record(session))
		session->state = SESSION_CHANGED;
	else if (session->logins_alive == 0)
		session->state = strcmp(record->on_logout, "wait") == 0 ? SESSION_LINGERING : SESSION_CLOSING;
	else if (strcmp(record->mode, "audit") == 0)
		session->state = SESSION_WOULD_ISOLATE;
}

int sessions_append(struct sessions *sessions, struct record_view *view, struct session **ret)
{
	struct session **items = reallocarray(sessions->items, sessions->count + 1, sizeof(struct session *));
	struct session *session = calloc(1, sizeof(*session));

	if (items)
		sessions->items = items;
	if (!items || !session) {
		free(session);
		record_release(&view->record);
		return -ENOMEM;
	}
	session->view = *view;
	*view = (struct record_view){ 0 };
	items[sessions->count++] = session;
	*ret = session;
	return 0;
}

static int append_login(struct session *session, struct record_view *view, enum login_state state)
{
	struct session_login *logins = reallocarray(session->logins, session->login_count + 1, sizeof(*logins));

	if (!logins)
		return -ENOMEM;
	session->logins = logins;
	logins[session->login_count++] = (struct session_login){ .view = *view, .state = state };
	*view = (struct record_view){ 0 };
	return 0;
}

static bool is_of_login(const struct record_view *view)
{
	return view->valid && *view->record.login != '\0';
}

static int add_session(struct sessions *sessions, const struct session_reader *reader, struct record_view *view)
{
	struct session *session = NULL;
	int r = sessions_append(sessions, view, &session);

	if (r == 0)
		session->state = session_judge(reader, session);
	return r;
}

/* Only the init that holds the session's record can say that a login is in it. */
static int add_login(struct sessions *sessions, struct session *session, const struct session_reader *reader,
		     struct record_view *view)
{
	bool counts = session && session_is_alive(session) && session->view.valid && session->view.init_pid > 0 &&
		      view->alive && view->init_pid == session->view.init_pid;
	struct session *lone = NULL;

	if (session && session_is_alive(session))
		return append_login(session, view, counts ? session_ask_login(reader, session, view) : LOGIN_ENDED);

	int r = sessions_append(sessions, view, &lone);

	if (r == 0)
		lone->state = SESSION_ENDED;
	return r;
}

/* The records are sorted by name, so that a session comes before its logins. */
static int add_records(struct sessions *sessions, const struct session_reader *reader, struct record_list *records)
{
	struct session *last = NULL;
	int r = 0;

	for (size_t i = 0; r == 0 && i < records->count; i++) {
		struct record_view *view = &records->items[i];

		if (is_of_login(view)) {
			bool is_last = last && strcmp(last->view.name, view->record.id) == 0;

			r = add_login(sessions, is_last ? last : NULL, reader, view);
			continue;
		}
		r = add_session(sessions, reader, view);
		last = r == 0 ? sessions->items[sessions->count - 1] : NULL;
	}
	return r;
}

/* Of a record that was written inside, the kernel knows it better. */
static bool has_foreign_pids(const struct session *session, uint64_t own)
{
	if (session->inside)
		return session->outer->namespaces[NAMESPACE_PID] != own;
	return session->view.valid && session->view.record.outer_pid_namespace != own;
}

/* The same process by its pid there, its start, and the PID namespace that it is in. */
static bool is_login_process(int process, const struct session *session, const struct record *record, pid_t *ret)
{
	uint64_t namespaces[NAMESPACE_KINDS];
	_cleanup_(process_info_release) struct process_info info = { 0 };

	if (process_namespaces_at(process, namespaces) < 0 ||
	    namespaces[NAMESPACE_PID] != session->outer->namespaces[NAMESPACE_PID] ||
	    process_info_read(process, &info) < 0 || info.start != record->login_start ||
	    info.levels[info.level_count - 1] != record->login_pid)
		return false;
	*ret = info.pid;
	return true;
}

bool session_still_is(const struct session *session)
{
	uint64_t namespaces[NAMESPACE_KINDS];

	return process_namespaces(session->view.init_pid, namespaces) == 0 &&
	       memcmp(namespaces, session->namespaces, sizeof(namespaces)) == 0;
}

pid_t session_login_pid(const struct session *session, const struct record *record)
{
	_cleanup_(closedirp) DIR *proc = NULL;
	const struct dirent *entry;
	pid_t found = 0;

	if (!session->foreign_pids)
		return record->login_pid;
	proc = session->outer && session->outer->seen ? opendir("/proc") : NULL;
	while (proc && (entry = readdir(proc))) {
		if (entry->d_name[0] < '0' || entry->d_name[0] > '9')
			continue;

		_cleanup_close_ int process = openat(dirfd(proc), entry->d_name, O_PATH | O_DIRECTORY | O_CLOEXEC);

		if (process >= 0 && is_login_process(process, session, record, &found))
			break;
	}
	return found;
}

void sessions_shift(const struct sessions *sessions, struct record_view *view)
{
	if (view->valid)
		view->record.login_start += (uint64_t)(sessions->ahead * sysconf(_SC_CLK_TCK));
}

int sessions_read(const char *directory, enum sessions_look look, struct sessions *ret)
{
	_cleanup_(sessions_release) struct sessions sessions = { 0 };
	_cleanup_(record_list_release) struct record_list records = { 0 };
	_cleanup_(nested_scout_freep) struct nested_scout *scout = NULL;
	struct session_reader reader = { .directory = directory, .look = look };
	uint64_t own[NAMESPACE_KINDS] = { 0 };
	int r = records_read(directory, &records);

	/* without a scout there is more to read */
	if (r == 0 && geteuid() == 0)
		(void)!nested_scout_new(&records, &scout);
	if (r == 0)
		r = process_namespaces(getpid(), own);
	if (r < 0)
		return r;
	if (process_namespaces(1, sessions.host) < 0)
		memcpy(sessions.host, own, sizeof(own));
	reader.pid_namespace = own[NAMESPACE_PID];
	reader.user_namespace = sessions.host[NAMESPACE_USER];
	r = process_boottime_offset(getpid(), &sessions.ahead);
	if (r < 0)
		return r;
	for (size_t i = 0; i < records.count; i++)
		sessions_shift(&sessions, &records.items[i]);
	r = add_records(&sessions, &reader, &records);
	if (r == 0 && geteuid() == 0)
		r = nested_add(&sessions, scout);
	if (r == 0)
		r = sessions_arrange(&sessions, own[NAMESPACE_PID]);
	if (r < 0)
		return r;
	for (size_t i = 0; i < sessions.count; i++) {
		sessions.items[i]->number = i;
		sessions.items[i]->foreign_pids = has_foreign_pids(sessions.items[i], own[NAMESPACE_PID]);
		session_conclude(sessions.items[i], sessions.host);
	}

	*ret = sessions;
	sessions = (struct sessions){ 0 };
	return 0;
}

/*
 * Whether an id of this length names the session: the beginning of its own, or the whole of a login's in it; behind a
 * slash, within a session that is named by what is before it.
 */
static bool is_named(const struct session *session, const char *id, size_t length)
{
	const char *slash = memrchr(id, '/', length);

	if (slash) {
		size_t before = (size_t)(slash - id);

		return session->outer && is_named(session->outer, id, before) &&
		       is_named(session, slash + 1, length - before - 1);
	}
	if (is_of_login(&session->view))
		return strlen(session->view.name) == length && strncmp(session->view.name, id, length) == 0;
	for (size_t i = 0; i < session->login_count; i++) {
		const char *name = session->logins[i].view.name;

		if (strlen(name) == length && strncmp(name, id, length) == 0)
			return true;
	}
	return strncmp(session->view.name, id, length) == 0;
}

static size_t find_in_state(const struct sessions *sessions, const char *id, bool alive, struct session **ret)
{
	size_t found = 0;

	for (size_t i = 0; i < sessions->count; i++) {
		struct session *session = sessions->items[i];

		if (session_is_alive(session) != alive || !is_named(session, id, strlen(id)))
			continue;
		if (found++ == 0)
			*ret = session;
	}
	return found;
}

static void write_path(FILE *out, const struct session *session)
{
	if (session->outer) {
		write_path(out, session->outer);
		(void)fputc('/', out);
	}
	(void)fputs(session->view.name, out);
}

static char *list_matches(const struct sessions *sessions, const char *id, bool alive)
{
	_cleanup_free_ char *text = NULL;
	size_t size = 0;
	FILE *out = open_memstream(&text, &size);

	if (!out)
		return NULL;
	for (size_t i = 0; i < sessions->count; i++) {
		const struct session *session = sessions->items[i];

		if (session_is_alive(session) != alive || !is_named(session, id, strlen(id)))
			continue;
		if (ftell(out) > 0)
			(void)fputs(", ", out);
		write_path(out, session);
	}
	return fclose(out) == 0 ? TAKE_PTR(text) : NULL;
}

int sessions_find(const struct sessions *sessions, const char *id, struct session **ret, char **ret_matches)
{
	static const bool turns[] = { true, false };

	for (size_t i = 0; i < ELEMENTS(turns) && *id; i++) {
		struct session *session = NULL;
		size_t found = find_in_state(sessions, id, turns[i], &session);

		if (found == 1) {
			*ret = session;
			return 0;
		}
		if (found > 1) {
			*ret_matches = list_matches(sessions, id, turns[i]);
			return -ENOTUNIQ;
		}
	}
	return -ENOENT;
}
