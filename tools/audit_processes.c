/* SPDX-License-Identifier: BSD-3-Clause OR GPL-2.0-or-later */

/* Processes that are where they should not be. */

#include "tools/audit.h"

#include "common/error.h"
#include "tools/audit_origin.h"
#include "tools/holders.h"
#include "tools/members.h"
#include "tools/process_info.h"

#include <fcntl.h>
#include <inttypes.h>
#include <limits.h>
#include <pwd.h>
#include <string.h>

#define COMMAND_SHOWN 60
#define INIT_NAME     "nsisolate-init\n"

struct pass {
	struct look *look;
	struct holdings holdings;
};

/* One process. */
struct suspect {
	struct look *look;
	const struct pass *pass;
	int process;
	struct process_info info;
	uint64_t namespaces[NAMESPACE_KINDS];
};

static int read_namespace(int process, enum namespace_kind kind, uint64_t *ret)
{
	char path[32], link[64];

	(void)snprintf(path, sizeof(path), "ns/%s", namespace_table[kind].proc_link);

	ssize_t size = readlinkat(process, path, link, sizeof(link) - 1);

	if (size < 0)
		return negative_errno();
	link[size] = '\0';

	const char *bracket = strchr(link, '[');

	return bracket && sscanf(bracket, "[%" SCNu64 "]", ret) == 1 ? 0 : -EBADMSG;
}

/* A kind that this kernel has not stays 0; that of mounts, which every kernel has, says whether it has exited. */
static int read_namespaces(struct suspect *suspect)
{
	for (enum namespace_kind kind = 0; kind < NAMESPACE_KINDS; kind++) {
		int r = read_namespace(suspect->process, kind, &suspect->namespaces[kind]);

		if (r < 0 && (r != -ENOENT || kind == NAMESPACE_MOUNT))
			return r;
	}
	return read_namespace(suspect->process, NAMESPACE_MOUNT, &suspect->namespaces[NAMESPACE_MOUNT]);
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

static bool is_login_process(const struct record *record, const struct suspect *suspect)
{
	return record->login_pid == suspect->info.pid && record->login_start == suspect->info.start &&
	       record->outer_pid_namespace == suspect->look->sessions.host[NAMESPACE_PID];
}

/* It is in its session's namespaces but for that of PIDs, or about to leave them. */
static bool is_login(const struct suspect *suspect)
{
	const struct sessions *sessions = &suspect->look->sessions;

	for (size_t i = 0; i < sessions->count; i++) {
		const struct session *session = sessions->items[i];

		if (session->view.valid && is_login_process(&session->view.record, suspect))
			return true;
		for (size_t j = 0; j < session->login_count; j++)
			if (session->logins[j].view.valid && is_login_process(&session->logins[j].view.record, suspect))
				return true;
	}
	return false;
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
	int r;

	if (suspect->info.real_uid == 0 || is_login(suspect))
		return 0;
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
	_cleanup_free_ char *name = NULL;
	char text[32];

	if (suspect->info.real_uid != 0 || suspect->namespaces[NAMESPACE_USER] != sessions->host[NAMESPACE_USER] ||
	    process_file_read(suspect->process, "comm", sizeof(text), &name, NULL) < 0 || strcmp(name, INIT_NAME) != 0)
		return 0;
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

	if (!entered || is_login(suspect))
		return 0;
	name_kinds(suspect, entered, false, outside, sizeof(outside));
	return *outside ? add_entered(suspect, entered, outside) : 0;
}

/* A process whose first thread has ended looks like a zombie while others run on. A descriptor, or -ESRCH. */
static int open_live_thread(int process)
{
	int fd = openat(process, "task", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	_cleanup_(closedirp) DIR *dir = fd < 0 ? NULL : fdopendir(fd);
	const struct dirent *entry;

	if (!dir) {
		close_fd(fd);
		return -ESRCH;
	}
	while ((entry = readdir(dir))) {
		_cleanup_close_ int thread = -1;
		struct process_info info;

		if (entry->d_name[0] == '.')
			continue;
		thread = openat(dirfd(dir), entry->d_name, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
		if (thread >= 0 && process_stat_read(thread, &info) == 0 && !process_is_zombie(&info))
			return TAKE_FD(thread);
	}
	return -ESRCH;
}

/* What is read of a thread is the process's, but for its number and its start. */
static int read_process(struct suspect *suspect, int process, int *ret_thread)
{
	int r = process_info_read(process, &suspect->info);

	suspect->process = process;
	if (r < 0 || !process_is_zombie(&suspect->info))
		return r;

	const pid_t pid = suspect->info.pid;
	const uint64_t start = suspect->info.start;

	*ret_thread = open_live_thread(process);
	if (*ret_thread < 0)
		return -ESRCH;
	process_info_release(&suspect->info);
	suspect->process = *ret_thread;
	r = process_info_read(*ret_thread, &suspect->info);
	suspect->info.pid = pid;
	suspect->info.start = start;
	return r;
}

/* Once a process; 1: the rest does not matter. */
static int add_holder(const struct session *session, const char *name, void *data)
{
	struct suspect *suspect = data;
	const struct passwd *entry = getpwuid(suspect->info.real_uid);
	_cleanup_free_ char *subject_text = name_process(suspect, entry ? entry->pw_name : "?");
	const struct subject subject = { .text = subject_text,
					 .user = session->view.record.user,
					 .pid = suspect->info.pid,
					 .start = suspect->info.start };

	if (!session->view.valid)
		return 0;
	if (!subject_text)
		return -ENOMEM;

	int r = findings_add(&suspect->look->findings, FINDING_KEPT, &subject,
			     "pid %jd (%.*s) has %s of session %s open", (intmax_t)suspect->info.pid, COMMAND_SHOWN,
			     suspect->info.command, name, session->view.name);

	return r < 0 ? r : 1;
}

/* A login process has those open that it came from, which for one inside a session are that session's. */
static int judge_descriptors(struct suspect *suspect)
{
	int r = suspect->pass->holdings.count == 0 || is_login(suspect)
			? 0
			: holdings_visit_open(&suspect->pass->holdings, suspect->process, add_holder, suspect);

	return r < 0 ? r : 0;
}

/* By the mount table of the host's PID 1. */
static int add_mount(const struct session *session, const struct mount_entry *entry, void *data)
{
	struct look *look = data;
	const struct subject subject = { .text = entry->target, .user = session->view.record.user };

	return session->view.valid
		       ? findings_add(&look->findings, FINDING_KEPT, &subject, "%s of session %s is mounted on %s",
				      entry->root, session->view.name, entry->target)
		       : 0;
}

static int judge_strangers(struct suspect *suspect)
{
	int r = judge_user(suspect);

	if (r == 0)
		r = judge_init(suspect);
	return r < 0 ? r : judge_descriptors(suspect);
}

static int judge(struct session *session, int process, void *data)
{
	const struct pass *pass = data;
	struct suspect suspect = { .look = pass->look, .pass = pass };
	_cleanup_close_ int thread = -1;
	int r = read_process(&suspect, process, &thread);

	if (r == 0)
		r = read_namespaces(&suspect);
	/* gone meanwhile, or not to be read: another look will tell */
	if (r < 0)
		r = r == -ENOMEM ? r : 0;
	else
		r = judge_entry(&suspect, session);
	if (r == 0 && suspect.info.command && !session)
		r = judge_strangers(&suspect);
	process_info_release(&suspect.info);
	return r;
}

int audit_processes(struct look *look)
{
	struct pass pass = { .look = look };
	int r = holdings_make(&look->sessions, &pass.holdings);

	if (r == 0)
		r = holdings_visit_mounts(&pass.holdings, &look->mounts, add_mount, look);
	if (r == 0)
		r = members_visit_all(&look->sessions, judge, &pass);
	holdings_release(&pass.holdings);
	return r;
}
