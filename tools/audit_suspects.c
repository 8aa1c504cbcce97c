/* SPDX-License-Identifier: BSD-3-Clause OR GPL-2.0-or-later */

/* What is wrong with one process. */

#include "tools/audit_suspects.h"

#include "tools/audit_origin.h"
#include "tools/audit_plain.h"
#include "tools/process_info.h"
#include "tools/shared_work.h"

#include <fcntl.h>
#include <limits.h>
#include <pwd.h>
#include <string.h>

#define COMMAND_SHOWN 60

/* One process. */
struct suspect {
	struct look *look;
	struct audit_pass *pass;
	int process;
	struct process_info info; /* what its status tells; once it is known, all */
	bool known;
	bool named_init;                      /* it calls itself so */
	uint64_t namespaces[NAMESPACE_KINDS]; /* likewise: the telling ones, and 0 of the others; then all */
};

/*
 * What is costly to read is read of those that something is to be said of. True where it is there; false where the
 * process has gone, or *ret is -ENOMEM.
 */
static bool know(struct suspect *suspect, int *ret)
{
	struct process_info info;

	if (suspect->known)
		return true;
	*ret = process_namespaces_at(suspect->process, suspect->namespaces);
	if (*ret == 0 && !suspect->info.command) {
		*ret = process_info_read(suspect->process, &info);
		if (*ret == 0)
			suspect->info = info;
	}
	suspect->known = *ret == 0;
	*ret = *ret == -ENOMEM ? *ret : 0;
	return suspect->known;
}

/*
 * The namespaces by which a process is seen to be in a session or not. Who is in its PID namespace is known from the
 * start. -ESRCH when the process has gone: a kind that some session has of its own, this kernel has.
 */
static int read_telling(struct suspect *suspect)
{
	for (enum namespace_kind kind = 0; kind < NAMESPACE_KINDS; kind++) {
		int r = 0;

		if (kind != NAMESPACE_PID && suspect->pass->telling[kind])
			r = process_namespace_at(suspect->process, kind, &suspect->namespaces[kind]);
		if (r < 0)
			return r == -ENOENT ? -ESRCH : r;
	}
	return 0;
}

/* "alice:/usr/bin/sleep": the program as the kernel knows it, not as it calls itself. Malloced or NULL. */
static char *name_process(const struct suspect *suspect, const char *user)
{
	char program[PATH_MAX];
	char *text;
	ssize_t size = readlinkat(suspect->process, "exe", program, sizeof(program) - 1);

	program[size < 0 ? 0 : size] = '\0';
	return asprintf(&text, "%s:%s", user, size < 0 ? suspect->info.command : program) < 0 ? NULL : text;
}

/* The start is read of those few that have the pid of one. */
static bool is_login(struct suspect *suspect)
{
	const struct audit_logins *logins = &suspect->pass->logins;
	struct process_info stat;

	if (!audit_logins_have_pid(logins, suspect->info.pid))
		return false;
	if (suspect->info.start == 0 && process_stat_read(suspect->process, &stat) == 0)
		suspect->info.start = stat.start;
	return audit_logins_have(logins, suspect->info.pid, suspect->info.start);
}

/* systemd(1) calls itself so; who else does is outside all the same. */
static bool is_user_manager(const struct suspect *suspect)
{
	const char *option = strstr(suspect->info.command, " --user");
	char program[PATH_MAX];
	ssize_t size = readlinkat(suspect->process, "exe", program, sizeof(program) - 1);

	program[size < 0 ? 0 : size] = '\0';

	const char *slash = strrchr(program, '/');

	return slash && strcmp(slash, "/systemd") == 0 && option && (option[7] == '\0' || option[7] == ' ');
}

static int add_outside(struct suspect *suspect, const char *user, const char *policy, const char *service)
{
	const bool elsewhere = suspect->namespaces[NAMESPACE_PID] != suspect->look->sessions.host[NAMESPACE_PID];
	_cleanup_free_ char *name = name_process(suspect, user);
	const struct subject subject = {
		.text = name,
		.user = user,
		.pid = suspect->info.pid,
		.start = suspect->info.start,
		.since = audit_since_process(suspect->info.start, suspect->look->audit->configured),
	};
	enum finding_code code = elsewhere ? FINDING_ELSEWHERE : FINDING_OUTSIDE;

	if (!name)
		return -ENOMEM;
	if (is_user_manager(suspect))
		code = FINDING_USER_MANAGER;
	return findings_add(&suspect->look->findings, code, &subject, "pid %jd (%.*s) is in %s%s%s, and %s isolates %s",
			    (intmax_t)suspect->info.pid, COMMAND_SHOWN, suspect->info.command,
			    elsewhere ? "namespaces that are no live session's" : "no session",
			    service ? ", came by " : "", service ? service : "", policy, user);
}

/* The real uid is whose it is: login programs take the effective one of their user for moments, on the host. */
static int judge_user(struct suspect *suspect)
{
	_cleanup_free_ char *service = NULL;
	const char *user = NULL, *policy = NULL;
	int r = 0;

	if (suspect->info.real_uid == 0 || is_login(suspect))
		return 0;
	if (suspect->pass->helps) {
		suspect->pass->said = SHARED_UNDECIDED;
		return 0;
	}
	if (!know(suspect, &r))
		return r;
	r = audit_origin(suspect->process, &suspect->info, &service);
	if (r == 0)
		r = audit_user_is_restricted(&suspect->look->audit->users, suspect->info.real_uid, service, &user,
					     &policy);
	return r > 0 ? add_outside(suspect, user, policy, service) : r;
}

/*
 * The init of a session says what it is by its name, which anybody can take; but not root's uid in the host's user
 * namespace. One whose record is known is in a session, or in mode audit is known by its pid.
 */
static int judge_init(struct suspect *suspect)
{
	const struct sessions *sessions = &suspect->look->sessions;
	char text[32];
	int r = 0;

	if (!suspect->named_init || suspect->info.real_uid != 0 || !know(suspect, &r) ||
	    suspect->namespaces[NAMESPACE_USER] != sessions->host[NAMESPACE_USER])
		return r;
	for (size_t i = 0; i < sessions->count; i++)
		if (sessions->items[i]->view.init_pid == suspect->info.pid)
			return 0;
	(void)snprintf(text, sizeof(text), "init:%jd", (intmax_t)suspect->info.pid);

	const struct subject subject = {
		.text = text, .user = NULL, .pid = suspect->info.pid, .start = suspect->info.start
	};

	return findings_add(&suspect->look->findings, FINDING_RECORD_MISSING, &subject,
			    "pid %jd is the init of a live session that has no record", (intmax_t)suspect->info.pid);
}

/* The session of which the process shares a namespace other than that of PIDs; NULL. */
static const struct session *find_entered(const struct suspect *suspect)
{
	for (enum namespace_kind kind = 0; kind < NAMESPACE_KINDS; kind++) {
		const struct session *session = NULL;

		if (kind != NAMESPACE_PID)
			session = holdings_find(&suspect->pass->holdings, suspect->namespaces[kind]);
		if (session)
			return session;
	}
	return NULL;
}

/* Kinds of which the process has the session's namespace, or the host's where the session has its own. */
static void name_kinds(const struct suspect *suspect, const struct session *session, bool inside, char *text,
		       size_t size)
{
	const uint64_t *host = suspect->look->sessions.host;
	size_t used = 0;

	text[0] = '\0';
	for (enum namespace_kind kind = 0; kind < NAMESPACE_KINDS; kind++) {
		if (session->apart[kind] && suspect->namespaces[kind] == (inside ? session->namespaces : host)[kind] &&
		    used + 16 < size)
			used += (size_t)snprintf(text + used, size - used, "%s%s", used ? "," : "",
						 namespace_table[kind].name);
	}
}

static int add_entered(struct suspect *suspect, const struct session *session, const char *outside)
{
	const struct passwd *entry = getpwuid(suspect->info.real_uid);
	_cleanup_free_ char *user = NULL, *name = NULL;
	char inside[64];

	if (entry)
		user = strdup(entry->pw_name);
	else if (asprintf(&user, "%u", (unsigned)suspect->info.real_uid) < 0)
		user = NULL;
	name = user ? name_process(suspect, user) : NULL;
	if (!name)
		return -ENOMEM;
	name_kinds(suspect, session, true, inside, sizeof(inside));

	const struct subject subject = {
		.text = name, .user = user, .pid = suspect->info.pid, .start = suspect->info.start
	};

	return findings_add(&suspect->look->findings, FINDING_ENTERED, &subject,
			    "pid %jd (%.*s) is in %s of session %s, and for %s on the host",
			    (intmax_t)suspect->info.pid, COMMAND_SHOWN, suspect->info.command, inside,
			    session->view.name, outside);
}

/*
 * Who came by a login has all namespaces of the session, the login process all but that of PIDs. What is nested has
 * others, and never the host's again.
 */
static int judge_entry(struct suspect *suspect, const struct session *session)
{
	const struct session *entered = session ? session : find_entered(suspect);
	char outside[64];
	int r = 0;

	if (!entered || is_login(suspect) || !know(suspect, &r))
		return r;
	name_kinds(suspect, entered, false, outside, sizeof(outside));
	return *outside ? add_entered(suspect, entered, outside) : 0;
}

/* What is read of a thread is the process's, but for its number and its start. */
static int read_thread(struct suspect *suspect, int process, int *ret_thread)
{
	struct process_info leader;
	int r = process_stat_read(process, &leader);

	*ret_thread = r < 0 ? r : process_open_live_thread(process);
	if (*ret_thread < 0)
		return -ESRCH;
	suspect->process = *ret_thread;
	leader.pid = suspect->info.pid;
	r = process_info_read(*ret_thread, &suspect->info);
	suspect->info.pid = leader.pid;
	suspect->info.start = leader.start;
	return r;
}

static int read_process(struct suspect *suspect, int process, int *ret_thread)
{
	_cleanup_free_ char *status = NULL;
	int r = process_status_read(process, &suspect->info, &status);

	suspect->process = process;
	if (r < 0)
		return r;
	suspect->named_init = audit_is_named_init(status);
	return process_is_zombie(&suspect->info) ? read_thread(suspect, process, ret_thread) : 0;
}

/* Once a process; 1: the rest does not matter. */
static int add_holder(const struct session *session, const char *name, void *data)
{
	struct suspect *suspect = data;
	int r = 0;

	if (!session->view.valid || is_login(suspect) || !know(suspect, &r))
		return r;

	const struct passwd *entry = getpwuid(suspect->info.real_uid);
	_cleanup_free_ char *subject_text = name_process(suspect, entry ? entry->pw_name : "?");
	const struct subject subject = { .text = subject_text,
					 .user = session->view.record.user,
					 .pid = suspect->info.pid,
					 .start = suspect->info.start };

	if (!subject_text)
		return -ENOMEM;
	r = findings_add(&suspect->look->findings, FINDING_KEPT, &subject, "pid %jd (%.*s) has %s of session %s open",
			 (intmax_t)suspect->info.pid, COMMAND_SHOWN, suspect->info.command, name, session->view.name);

	return r < 0 ? r : 1;
}

/* A login process has those open that it came from, which for one inside a session are that session's. */
static int judge_descriptors(struct suspect *suspect)
{
	int r = holdings_visit_open(&suspect->pass->holdings, suspect->process, add_holder, suspect);

	return r < 0 ? r : 0;
}

static int judge_strangers(struct suspect *suspect)
{
	int r = judge_user(suspect);

	if (r == 0)
		r = judge_init(suspect);
	return r < 0 ? r : judge_descriptors(suspect);
}

/* Most are: who is in a session with no part on the host is where it should be. */
bool audit_is_whole(const struct look *look, const struct session *session, const uint64_t namespaces[NAMESPACE_KINDS])
{
	for (enum namespace_kind kind = 0; kind < NAMESPACE_KINDS; kind++)
		if (session->apart[kind] && namespaces[kind] == look->sessions.host[kind])
			return false;
	return true;
}

static int judge_process(struct suspect *suspect, const struct session *session)
{
	int r = judge_entry(suspect, session);

	return r < 0 || session ? r : judge_strangers(suspect);
}

int audit_judge(struct session *session, int process, void *data)
{
	struct audit_pass *pass = data;
	struct suspect suspect = { .look = pass->look, .pass = pass, .process = process };
	_cleanup_close_ int thread = -1;
	int r = 0;

	if (!pass->helps)
		members_add(session);
	else if (session)
		pass->said = AUDIT_CLEAR_IN + (uint32_t)session->number;
	if (session && (read_telling(&suspect) < 0 || audit_is_whole(pass->look, session, suspect.namespaces)))
		return 0;
	r = read_process(&suspect, process, &thread);
	if (r == 0)
		r = read_telling(&suspect);
	/* gone meanwhile, or not to be read: another look will tell */
	if (r < 0)
		r = r == -ENOMEM ? r : 0;
	else
		r = judge_process(&suspect, session);
	process_info_release(&suspect.info);
	return r;
}
