/* SPDX-License-Identifier: BSD-3-Clause OR GPL-2.0-or-later */
#include "tools/sessions.h"

#include "session/process.h"
#include "tools/process_info.h"

#include <fcntl.h>
#include <string.h>

static const char *const state_names[SESSION_STATES] = {
	[SESSION_ACTIVE] = "active",   [SESSION_WOULD_ISOLATE] = "would isolate",
	[SESSION_CHANGED] = "changed", [SESSION_CLOSING] = "closing",
	[SESSION_UNKNOWN] = "unknown", [SESSION_ENDED] = "ended",
	[SESSION_INVALID] = "invalid",
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
	case LOGIN_UNKNOWN:
		break;
	}
	return "unknown";
}

/* The login process is a pid AND a start time: a reused pid is another process. */
static enum login_state ask_login(const struct record *record)
{
	_cleanup_close_ int process = process_open(record->login_pid);
	struct process_info info;
	int r = process < 0 ? process : process_stat_read(process, &info);

	if (r == -ESRCH)
		return LOGIN_GONE;
	if (r < 0)
		return LOGIN_UNKNOWN;
	return info.start == record->login_start && !process_is_zombie(&info) ? LOGIN_RUNNING : LOGIN_GONE;
}

static bool matches_record(const struct session *session)
{
	const struct record *record = &session->view->record;

	for (size_t i = 0; i < NAMESPACE_KINDS; i++) {
		if (record->namespaces[i] && record->namespaces[i] != session->namespaces[i])
			return false;
	}
	return true;
}

/* Whether this very init still holds the lock: it may have ended, and its pid be another's, while it was looked at. */
static bool still_held(const char *directory, const struct record_view *view)
{
	_cleanup_free_ char *path = NULL;
	pid_t pid = 0;

	if (asprintf(&path, "%s/%s", directory, view->name) < 0)
		return false;

	_cleanup_close_ int fd = open(path, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);

	return fd >= 0 && record_alive(fd, &pid) > 0 && pid == view->init_pid;
}

static enum session_state judge(const char *directory, struct session *session, const uint64_t *host)
{
	const struct record_view *view = session->view;

	session->login = LOGIN_UNKNOWN;
	if (!view->alive)
		return view->valid ? SESSION_ENDED : SESSION_INVALID;

	int r = process_namespaces(view->init_pid, session->namespaces);

	if ((r < 0 || !view->valid || !matches_record(session)) && view->init_pid > 0 && !still_held(directory, view))
		return view->valid ? SESSION_ENDED : SESSION_INVALID;

	session->seen = r == 0;
	for (size_t i = 0; session->seen && i < NAMESPACE_KINDS; i++)
		session->apart[i] = session->namespaces[i] && session->namespaces[i] != host[i];

	if (!view->valid)
		return SESSION_INVALID;
	session->login = ask_login(&view->record);
	if (!session->seen)
		return SESSION_UNKNOWN;
	if (!matches_record(session))
		return SESSION_CHANGED;
	if (session->login == LOGIN_GONE)
		return SESSION_CLOSING;
	return strcmp(view->record.mode, "audit") == 0 ? SESSION_WOULD_ISOLATE : SESSION_ACTIVE;
}

int sessions_read(const char *directory, struct sessions *ret)
{
	_cleanup_(sessions_release) struct sessions sessions = { 0 };
	int r = records_read(directory, &sessions.records);

	if (r < 0)
		return r;
	r = process_namespaces(1, sessions.host);
	if (r < 0)
		r = process_namespaces(getpid(), sessions.host);
	if (r < 0)
		return r;

	sessions.items = calloc(sessions.records.count + 1, sizeof(*sessions.items));
	if (!sessions.items)
		return -ENOMEM;
	sessions.count = sessions.records.count;
	for (size_t i = 0; i < sessions.count; i++) {
		sessions.items[i].view = &sessions.records.items[i];
		sessions.items[i].state = judge(directory, &sessions.items[i], sessions.host);
	}

	*ret = sessions;
	sessions = (struct sessions){ 0 };
	return 0;
}

void sessions_release(struct sessions *sessions)
{
	record_list_release(&sessions->records);
	free(sessions->items);
	*sessions = (struct sessions){ 0 };
}

static size_t find_in_state(const struct sessions *sessions, const char *prefix, bool alive, struct session **ret)
{
	size_t found = 0;

	for (size_t i = 0; i < sessions->count; i++) {
		struct session *session = &sessions->items[i];

		if (session_is_alive(session) != alive || strncmp(session->view->name, prefix, strlen(prefix)) != 0)
			continue;
		if (found++ == 0)
			*ret = session;
	}
	return found;
}

static char *list_matches(const struct sessions *sessions, const char *prefix, bool alive)
{
	_cleanup_free_ char *text = NULL;
	size_t size = 0;
	FILE *out = open_memstream(&text, &size);

	if (!out)
		return NULL;
	for (size_t i = 0; i < sessions->count; i++) {
		const struct session *session = &sessions->items[i];

		if (session_is_alive(session) == alive && strncmp(session->view->name, prefix, strlen(prefix)) == 0)
			(void)fprintf(out, "%s%s", ftell(out) > 0 ? ", " : "", session->view->name);
	}
	return fclose(out) == 0 ? TAKE_PTR(text) : NULL;
}

int sessions_find(const struct sessions *sessions, const char *prefix, struct session **ret, char **ret_matches)
{
	static const bool turns[] = { true, false };

	for (size_t i = 0; i < ELEMENTS(turns) && *prefix; i++) {
		struct session *session = NULL;
		size_t found = find_in_state(sessions, prefix, turns[i], &session);

		if (found == 1) {
			*ret = session;
			return 0;
		}
		if (found > 1) {
			*ret_matches = list_matches(sessions, prefix, turns[i]);
			return -ENOTUNIQ;
		}
	}
	return -ENOENT;
}
