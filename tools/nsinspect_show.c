/* SPDX-License-Identifier: BSD-3-Clause OR GPL-2.0-or-later */

/* nsinspect show: one session, what the kernel says beside what the record says. */

#include "common/format_list.h"
#include "session/inside.h"
#include "session/network_name.h"
#include "session/process.h"
#include "tools/display.h"
#include "tools/inspect_sessions.h"
#include "tools/members.h"
#include "tools/mounts.h"
#include "tools/process_info.h"
#include "tools/show.h"

#include <inttypes.h>
#include <stdarg.h>
#include <string.h>

void show_differ(json_object *differences, const char *format, ...)
{
	_cleanup_free_ char *text = NULL;
	va_list args;

	va_start(args, format);
	text = format_list(format, args);
	va_end(args);
	document_text(differences, NULL, text ? text : "out of memory");
}

static void show_hash(json_object *object, const char *key, uint64_t hash)
{
	char text[17];

	(void)snprintf(text, sizeof(text), "%016" PRIx64, hash);
	document_text(object, key, text);
}

static void show_session(json_object *document, const struct session *session)
{
	json_object *object = document_object(document, "session");
	const struct record *record = &session->view.record;

	document_text(object, "id", session->view.name);
	document_text(object, "state", session_state_name(session->state));
	if (!session->view.valid)
		return;

	_cleanup_free_ char *opened = display_time(record->opened, true);

	document_text(object, "user", record->user);
	document_number(object, "uid", record->uid);
	document_text(object, "service", record->service);
	document_text(object, "tty", record->tty);
	document_text(object, "from", record->remote_host);
	document_text(object, "opened", opened);
	document_text(object, "mode", record->mode);
	document_text(object, "network", record->network);
	document_text(object, "scope", record->scope);
	document_text(object, "on-logout", record->on_logout);
	document_text(object, "nested-in", session->outer ? session->outer->view.name : NULL);
}

static void show_one_login(json_object *array, const struct session *session, const struct record_view *view,
			   enum login_state state)
{
	const struct record *record = &view->record;
	json_object *object = document_object(array, NULL);
	_cleanup_free_ char *since = display_time(record->opened, true);
	pid_t pid = session_login_pid(session, record);

	document_text(object, "id", view->name);
	document_text(object, "service", record->service);
	document_text(object, "tty", record->tty);
	document_text(object, "from", record->remote_host);
	if (pid > 0)
		document_number(object, "login-process", (uint64_t)pid);
	else
		document_text(object, "login-process", NULL);
	document_text(object, "since", since);
	document_text(object, "state", login_state_name(state));
}

/* The one that opened it first. */
static void show_logins(json_object *document, const struct session *session)
{
	json_object *array = document_array(document, "logins");

	show_one_login(array, session, &session->view, session->login);
	for (size_t i = 0; i < session->login_count; i++)
		show_one_login(array, session, &session->logins[i].view, session->logins[i].state);
}

/* What is nested in it, not what is nested in that in turn. */
static void show_contained(json_object *document, const struct session *session)
{
	json_object *array = session->inner ? document_array(document, "contains") : NULL;

	for (const struct session *inner = session->inner; inner; inner = inner->next) {
		json_object *object = document_object(array, NULL);

		document_text(object, "id", inner->view.name);
		document_text(object, "user", inner->view.valid ? inner->view.record.user : NULL);
		document_text(object, "service", inner->view.valid ? inner->view.record.service : NULL);
		document_text(object, "state", session_state_name(inner->state));
	}
}

/* What decided this session, beside what the policies now say of a new login like it ("new-login-…"). */
static void show_policy(json_object *document, const struct session *session, json_object *differences,
			const char *directory, struct verdict *verdict)
{
	const struct record *record = &session->view.record;
	json_object *object = document_object(document, "policy");

	document_text(object, "file", record->policy);
	document_text(object, "sources", record->sources);
	show_hash(object, "hash", record->policy_hash);

	/* root inside names no file for us to open */
	if (session->inside && record->policy[0] == '/') {
		document_text(object, "new-login-outcome", "unknown");
		return;
	}

	int r = record_verdict(record, directory, verdict);

	document_text(object, "new-login-outcome", r < 0 ? "unknown" : verdict_name(verdict->outcome));
	if (r < 0) {
		show_differ(differences, "the policy now: user '%s': %s", record->user,
			    r == -ENOENT ? "no such user" : strerror(-r));
		return;
	}
	if (verdict->outcome == VERDICT_REFUSED)
		show_differ(differences, "the policy now cannot be used: %s", verdict->problem);
	else if (verdict->outcome != VERDICT_POLICY)
		show_differ(differences, "the policies now would not isolate this login: %s",
			    verdict_name(verdict->outcome));
	if (verdict->outcome != VERDICT_POLICY)
		return;

	document_text(object, "new-login-file", verdict->policy->file);
	show_hash(object, "new-login-hash", verdict->policy->hash);
	if (verdict->policy->hash != record->policy_hash)
		show_differ(differences, "the policy changed since: %s decides now, with another hash",
			    verdict->policy->file);
}

static void show_namespace(json_object *array, const struct session *session, enum namespace_kind kind,
			   json_object *differences)
{
	uint64_t recorded = session->view.valid ? session->view.record.namespaces[kind] : 0;
	json_object *object = document_object(array, NULL);

	document_text(object, "type", namespace_table[kind].name);
	document_number(object, "kernel", session->namespaces[kind]);
	if (recorded)
		document_number(object, "record", recorded);
	else
		document_text(object, "record", NULL);
	document_bool(object, "isolated", session->apart[kind]);
	document_bool(object, "differs", recorded && recorded != session->namespaces[kind]);
	if (recorded && recorded != session->namespaces[kind])
		show_differ(differences, "%s namespace: the record says %" PRIu64 ", the init is in %" PRIu64,
			    namespace_table[kind].name, recorded, session->namespaces[kind]);
}

static void show_namespaces(json_object *document, const struct session *session, json_object *differences)
{
	json_object *array = document_array(document, "namespaces");

	for (enum namespace_kind kind = 0; kind < NAMESPACE_KINDS; kind++) {
		if (session->namespaces[kind])
			show_namespace(array, session, kind, differences);
	}
}

static void show_process(json_object *object, pid_t pid)
{
	_cleanup_close_ int process = process_open(pid);
	_cleanup_(process_info_release) struct process_info info = { 0 };

	document_number(object, "pid", (uint64_t)pid);
	if (process < 0 || process_info_read(process, &info) < 0)
		return;

	char letter[] = { info.state, '\0' };

	document_text(object, "process-state", letter);
	document_text(object, "command", info.command);
}

static void show_login(json_object *document, const struct session *session, pid_t pid, json_object *differences)
{
	json_object *object = document_object(document, "login-process");

	document_text(object, "state", login_state_name(session->login));
	if (pid <= 0)
		document_text(object, "pid", NULL);
	else if (session->login == LOGIN_RUNNING)
		show_process(object, pid);
	else
		document_number(object, "pid", (uint64_t)pid);
	/* others are in, or none has to be */
	if (session->login == LOGIN_GONE && session->logins_alive == 0 && session->state != SESSION_LINGERING)
		show_differ(differences, "the login process %jd is gone", (intmax_t)session->view.record.login_pid);
}

static void show_addresses(json_object *document, const struct inside *inside)
{
	json_object *array = document_array(document, "interfaces");

	for (size_t i = 0; i < inside->count; i++) {
		json_object *object = document_object(array, NULL);

		document_text(object, "name", inside->addresses[i].interface);
		document_bool(object, "up", inside->addresses[i].up);
		document_text(object, "address", inside->addresses[i].address);
	}
}

/* What a network namespace is called that is not the session's alone. */
static void show_network_name(json_object *object, const struct session *session)
{
	char name[256];
	bool found;

	if (!session_shares_network(session))
		return;
	found = network_name_find(session->namespaces[NAMESPACE_NETWORK], name, sizeof(name));
	document_text(object, "network-name", found ? name : NULL);
}

/* True with *ret where it could be asked. */
static bool show_inside(json_object *document, const struct session *session, json_object *differences,
			struct inside *ret)
{
	int r = inside_read(session->view.init_pid, session->namespaces, ret);

	if (r < 0) {
		show_differ(differences, "host name and interfaces cannot be read: %s", strerror(-r));
		return false;
	}

	json_object *object = document_object(document, "inside");

	document_text(object, "hostname", ret->hostname);
	document_text(object, "domainname", ret->domainname);
	document_number(object, "processes", session->processes);
	show_network_name(object, session);
	show_addresses(document, ret);
	if (ret->truncated)
		show_differ(differences, "there are more than %d addresses: not all are listed", INSIDE_ADDRESSES);
	return true;
}

static void show_mount(json_object *array, const struct mount_entry *entry)
{
	json_object *object = document_object(array, NULL);

	document_text(object, "target", entry->target);
	document_text(object, "type", entry->type);
	document_text(object, "source", entry->source);
	document_text(object, "root", entry->root);
	document_text(object, "options", entry->options);
	document_text(object, "file-system-options", entry->super_options);
}

/* The mounts that PID 1 has not, or of a nested session the init of the one around it; the rest is the host's. */
static void show_mounts(json_object *document, const struct session *session, const struct mount_list *host,
			json_object *differences)
{
	_cleanup_(mounts_release) struct mount_list inside = { 0 };
	int r = mounts_read(session->view.init_pid, &inside);

	if (r < 0) {
		show_differ(differences, "mounts cannot be read: %s", strerror(-r));
		return;
	}

	json_object *array = document_array(document, "own-mounts");

	for (size_t i = 0; i < inside.count; i++) {
		if (!mounts_contain(host, &inside.items[i]))
			show_mount(array, &inside.items[i]);
	}
}

static void show_kernel(json_object *document, const struct session *session, const struct verdict *verdict,
			json_object *differences)
{
	_cleanup_(mounts_release) struct mount_list host = { 0 };
	struct inside inside = { 0 };
	bool asked;
	int r = mounts_read(session->outer ? session->outer->view.init_pid : 1, &host);

	show_namespaces(document, session, differences);
	show_process(document_object(document, "init"), session->view.init_pid);
	asked = show_inside(document, session, differences, &inside);
	if (r < 0) {
		show_differ(differences, "mounts of the host cannot be read: %s", strerror(-r));
		return;
	}
	show_plan(document, session, verdict, &host, asked ? &inside : NULL, differences);
	show_mounts(document, session, &host, differences);
}

static void show_alive(json_object *document, const struct session *session, const struct verdict *verdict,
		       json_object *differences)
{
	pid_t login = session->view.valid ? session_login_pid(session, &session->view.record) : 0;

	if (session->cut)
		show_differ(differences, "not all that is nested in it is known: %s", session->cut);
	if (session->view.valid) {
		show_logins(document, session);
		show_contained(document, session);
		show_login(document, session, login, differences);
	}
	show_network(document, session, differences);
	if (session->seen)
		show_kernel(document, session, verdict, differences);
	else
		show_differ(differences, "the kernel does not show the session's init from here");
}

static int show(json_object *document, const struct sessions *sessions, const struct session *session,
		const char *policy_directory)
{
	_cleanup_(verdict_release) struct verdict verdict = { .outcome = VERDICT_OUTCOMES, .directory = -1 };

	show_session(document, session);

	json_object *differences = document_array(document, "differences");

	if (!session->view.valid)
		show_differ(differences, "the record cannot be read");
	else
		show_policy(document, session, differences, policy_directory, &verdict);
	if (!session_is_alive(session))
		return 0;
	show_alive(document, session, &verdict, differences);
	if (!session->seen)
		return 0;

	int r = show_processes(document, sessions, session);

	return r < 0 ? r : show_holders(document, sessions, session);
}

static enum exit_status run(const struct options *options, char **arguments)
{
	_cleanup_(sessions_release) struct sessions sessions = { 0 };
	_cleanup_(documentp) json_object *document = document_new();
	enum exit_status status;

	if (!load_sessions(options, LOOK_WHOLE, &sessions, &status))
		return status;

	const struct session *session = pick_session(&sessions, arguments[0], &status);

	if (!session)
		return status;

	int r = members_count(&sessions);

	if (r < 0)
		return trouble_errno(r, "/proc");
	r = show(document, &sessions, session, options->policy_directory);
	if (r < 0)
		return trouble_errno(r, "/proc");
	if (session_is_alive(session) && session->seen && !session_still_is(session)) {
		(void)trouble("session '%s' has ended meanwhile", session->view.name);
		return EXIT_FINDINGS;
	}
	r = document_print(document, options->layout.style == OUTPUT_JSON, options->layout.colors);
	return r < 0 ? trouble_errno(r, "show") : EXIT_CLEAN;
}

const struct subcommand command_show = {
	.name = "show",
	.arguments = "ID",
	.summary = "show everything about one session, and what differs from its record",
	.arguments_min = 1,
	.arguments_max = 1,
	.options = OPTIONS_JSON | OPTIONS_VIEW | OPTIONS_POLICY | OPTIONS_RECORDS,
	.run = run,
};
