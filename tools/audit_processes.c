/* SPDX-License-Identifier: BSD-3-Clause OR GPL-2.0-or-later */

/* Processes that are where they should not be. */

#include "tools/audit.h"

#include "tools/audit_origin.h"
#include "tools/members.h"
#include "tools/process_info.h"

#include <inttypes.h>
#include <limits.h>
#include <string.h>

#define COMMAND_SHOWN 60
#define INIT_NAME     "nsisolate-init\n"

/* One process, in no session by its PID namespace. */
struct suspect {
	struct look *look;
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
		return -errno;
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

static int add_outside(struct suspect *suspect, const char *user, const char *policy, const char *service)
{
	const bool elsewhere = suspect->namespaces[NAMESPACE_PID] != suspect->look->sessions.host[NAMESPACE_PID];
	_cleanup_free_ char *name = name_process(suspect, user);
	const struct subject subject = { name, user, suspect->info.pid, suspect->info.start };

	if (!name)
		return -ENOMEM;
	return findings_add(&suspect->look->findings, elsewhere ? FINDING_ELSEWHERE : FINDING_OUTSIDE, &subject,
			    "pid %jd (%.*s) is in %s%s%s, and %s isolates %s", (intmax_t)suspect->info.pid,
			    COMMAND_SHOWN, suspect->info.command,
			    elsewhere ? "namespaces that are no live session's" : "no session",
			    service ? ", came by " : "", service ? service : "", policy, user);
}

/* The real uid is whose it is: login programs take the effective one of their user for moments, on the host. */
static int judge_user(struct suspect *suspect)
{
	_cleanup_free_ char *service = NULL;
	const char *user, *policy;
	int r;

	if (suspect->info.real_uid == 0 || process_is_zombie(&suspect->info) || is_login(suspect))
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

	if (suspect->info.real_uid != 0 || process_is_zombie(&suspect->info) ||
	    suspect->namespaces[NAMESPACE_USER] != sessions->host[NAMESPACE_USER] ||
	    process_file_read(suspect->process, "comm", sizeof(text), &name, NULL) < 0 || strcmp(name, INIT_NAME) != 0)
		return 0;
	for (size_t i = 0; i < sessions->count; i++)
		if (sessions->items[i]->view.init_pid == suspect->info.pid)
			return 0;
	(void)snprintf(text, sizeof(text), "init:%jd", (intmax_t)suspect->info.pid);

	const struct subject subject = { text, NULL, suspect->info.pid, suspect->info.start };

	return findings_add(&suspect->look->findings, FINDING_RECORD_MISSING, &subject,
			    "pid %jd is the init of a live session that has no record", (intmax_t)suspect->info.pid);
}

static int judge(struct session *session, int process, void *data)
{
	struct suspect suspect = { .look = data, .process = process };
	int r;

	if (session)
		return 0;
	r = process_info_read(process, &suspect.info);
	if (r == 0)
		r = read_namespaces(&suspect);
	/* gone meanwhile, or not to be read: another look will tell */
	if (r < 0)
		r = r == -ENOMEM ? r : 0;
	else
		r = judge_user(&suspect);
	if (r == 0 && suspect.info.command)
		r = judge_init(&suspect);
	process_info_release(&suspect.info);
	return r;
}

int audit_processes(struct look *look)
{
	return members_visit_all(&look->sessions, judge, look);
}
