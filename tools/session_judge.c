/* SPDX-License-Identifier: BSD-3-Clause OR GPL-2.0-or-later */
#include "tools/session_judge.h"

#include "session/process.h"

#include <fcntl.h>
#include <signal.h>
#include <string.h>

/* The login process is a pid AND a start time: a reused pid is another process. */
static enum login_state ask_process(const struct record *record)
{
	uint64_t start = 0;
	char state = '\0';
	int r = process_state(record->login_pid, &state, &start);

	if (r == -ESRCH)
		return LOGIN_GONE;
	if (r < 0)
		return LOGIN_UNKNOWN;
	return start == record->login_start && !process_has_ended(state) ? LOGIN_RUNNING : LOGIN_GONE;
}

/*
 * Whether a process with the login's pid is in the session's mounts; one that has ended is in none. While the init says
 * that the login is in, which ends within moments of that, this is the login process: no other process
 * of the session has its pid so soon.
 */
static bool is_in_mounts(const struct session *session, const struct record *record)
{
	uint64_t inode;

	return record->namespaces[NAMESPACE_MOUNT] != 0 &&
	       process_namespace(record->login_pid, NAMESPACE_MOUNT, &inode) == 0 &&
	       inode == session->namespaces[NAMESPACE_MOUNT];
}

/*
 * A sealed init learns at once that a login has ended: that a process has its pid is enough, to be sure that it is not
 * the init that does not learn anything any more.
 */
static bool may_run(const struct session *session, const struct record *record)
{
	return session->view.sealed && kill(record->login_pid, 0) == 0;
}

enum login_state session_ask_login(const struct session_reader *reader, const struct session *session,
				   const struct record_view *view)
{
	/* the init knows when a login has left; it may be slow to learn that its process has ended */
	if (!view->login_alive)
		return LOGIN_GONE;
	/* pids of another PID namespace than ours are not for us to look up */
	if (view->record.outer_pid_namespace != reader->pid_namespace)
		return LOGIN_RUNNING;
	if (reader->look == LOOK_BRIEF && (may_run(session, &view->record) || is_in_mounts(session, &view->record)))
		return LOGIN_RUNNING;
	return ask_process(&view->record);
}

bool session_matches_record(const struct session *session)
{
	const struct record *record = &session->view.record;

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

/*
 * Whether the init cannot have left any namespace that it was born in, which are those that were recorded before
 * anybody else was in. It had sealed itself by then: it has no capability in any user namespace, and as long as it is
 * in this one can get none, by no execve(2) either. setns(2) and unshare(2) need CAP_SYS_ADMIN in the user namespace
 * that one is in. So whoever traces it, as root in the session may, can have it move by a new user namespace only, from
 * which no way leads back: that again needs capabilities in the one that was left. What it starts has no more than it
 * has.
 */
static bool cannot_have_moved(const struct session_reader *reader, const struct session *session)
{
	const struct record *record = &session->view.record;
	const uint64_t born =
		record->namespaces[NAMESPACE_USER] ? record->namespaces[NAMESPACE_USER] : reader->user_namespace;
	uint64_t inode;

	return session->view.sealed && session->view.init_pid == record->init_pid &&
	       process_namespace(record->init_pid, NAMESPACE_USER, &inode) == 0 && inode == born;
}

/*
 * LOOK_BRIEF: where the record says that the session is in each namespace that it has of its own. False: not so, or
 * that is not enough for a search for nested sessions, which goes by mounts and PIDs.
 */
static bool is_where_recorded(const struct session_reader *reader, const struct session *session)
{
	const struct record *record = &session->view.record;
	_cleanup_close_ int directory = -1;

	if (!session->view.valid || !record->namespaces[NAMESPACE_MOUNT] || !record->namespaces[NAMESPACE_PID])
		return false;
	if (cannot_have_moved(reader, session))
		return true;
	directory = process_namespaces_open(session->view.init_pid);
	for (enum namespace_kind kind = 0; directory >= 0 && kind < NAMESPACE_KINDS; kind++) {
		uint64_t inode;

		if (record->namespaces[kind] &&
		    (process_namespace_in(directory, kind, &inode) < 0 || inode != record->namespaces[kind]))
			return false;
	}
	return directory >= 0;
}

static int read_namespaces(const struct session_reader *reader, struct session *session)
{
	if (reader->look != LOOK_BRIEF || session->view.record.outer_pid_namespace != reader->pid_namespace ||
	    !is_where_recorded(reader, session))
		return process_namespaces(session->view.init_pid, session->namespaces);
	memcpy(session->namespaces, session->view.record.namespaces, sizeof(session->namespaces));
	return 0;
}

enum session_state session_judge(const struct session_reader *reader, struct session *session)
{
	const struct record_view *view = &session->view;

	session->login = LOGIN_UNKNOWN;
	if (!view->alive)
		return view->valid ? SESSION_ENDED : SESSION_INVALID;

	int r = read_namespaces(reader, session);

	if ((r < 0 || !view->valid || !session_matches_record(session)) && view->init_pid > 0 &&
	    !still_held(reader->directory, view))
		return view->valid ? SESSION_ENDED : SESSION_INVALID;

	session->seen = r == 0;
	if (!view->valid)
		return SESSION_INVALID;
	session->login = session_ask_login(reader, session, view);
	return session->seen ? SESSION_ACTIVE : SESSION_UNKNOWN;
}
