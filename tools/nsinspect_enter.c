/* SPDX-License-Identifier: BSD-3-Clause OR GPL-2.0-or-later */

/*
 * nsinspect enter: a shell or a command inside a session, as its user or as root, confined as the session is.
 * Everything that is asked of the host, such as NSS, is known before anything goes in. Then only the command does: this
 * process stays on the host between its terminal or streams and those of the command, and the command ends with it.
 */

#include "session/enter.h"
#include "config/find.h"
#include "tools/command.h"
#include "tools/command_exit.h"
#include "tools/enter_confinement.h"
#include "tools/enter_log.h"
#include "tools/environment.h"
#include "tools/inspect_sessions.h"
#include "tools/session_pin.h"
#include "tools/supervise.h"

#include <limits.h>
#include <string.h>
#include <sys/stat.h>

#define DEFAULT_SHELL  "/bin/sh"
#define DRAIN_STALL_MS 100
#define OTHERS_WRITE   (S_IWGRP | S_IWOTH)

/* From the id to the end of the command. */
struct entry {
	const struct session *session;
	int pidfd;
	struct confinement confinement;
	struct identity identity; /* whom the command runs as */
	struct group_list groups;
	struct terminal terminal;
	struct pipes pipes;
	bool has_terminal;
	struct signals signals;
	struct system_log log;
	char **environment;
	struct entered entered;
};

static void entry_release(struct entry *entry)
{
	entered_release(&entry->entered);
	terminal_close(&entry->terminal);
	pipes_close(&entry->pipes);
	signals_release(&entry->signals);
	system_log_close(&entry->log);
	entry->environment = environment_free(entry->environment);
	group_list_release(&entry->groups);
	identity_release(&entry->identity);
	confinement_release(&entry->confinement);
	close_fd(entry->pidfd);
}

/* Functions that return an int return -1: go on; else an exit status. */

static int refuse(const struct session *session, const char *reason)
{
	return command_fail("%s: not entered: %s", session->view.name, reason);
}

/* What can be killed and cannot be entered. */
static const char *reason_against(const struct session *session)
{
	if (session->inside)
		return "its record was written inside another session, by whoever is root there; enter that one with "
		       "--root, and run nsinspect in it";
	if (session->state == SESSION_CHANGED)
		return "its init is not in the namespaces that its record names";
	if (session->state == SESSION_CLOSING)
		return "it is ending";
	return session->seen ? NULL : "the kernel does not show its init from here";
}

/* The init by its lock, the pidfd, and its lock once more. */
static int pin(const struct options *options, struct entry *entry)
{
	_cleanup_(sessions_release) struct sessions again = { 0 };
	enum exit_status ignored;
	const char *reason = session_pin(entry->session, &entry->pidfd, &ignored);
	int r;

	if (!reason)
		reason = reason_against(entry->session);
	if (reason)
		return refuse(entry->session, reason);
	r = sessions_read(options->record_directory, LOOK_WHOLE, &again);
	if (r < 0)
		return command_fail("%s: %s", options->record_directory, strerror(-r));
	return session_is_still_there(&again, entry->session) ? -1 : refuse(entry->session, SESSION_HAS_ENDED);
}

/* As the host's NSS has them now: inside it may not answer, or something else. */
static int find_identity(struct entry *entry, bool root)
{
	const struct record *record = &entry->session->view.record;
	const char *name = root ? "root" : record->user;
	const uid_t uid = root ? 0 : record->uid;
	int r = identity_lookup(name, &entry->identity);

	if (r == -ENOENT)
		return command_fail("user %s: there is no such user any more", name);
	if (r < 0)
		return command_fail("user %s: %s", name, strerror(-r));
	if (entry->identity.uid != uid)
		return command_fail("user %s: has another uid now than the session's, %u", name, (unsigned)uid);
	r = group_list_of(&entry->identity, &entry->groups);
	if (r < 0)
		return command_fail("the groups of %s: %s", name, strerror(-r));
	return -1;
}

static int find_confinement(const struct sessions *sessions, struct entry *entry)
{
	int r = enter_confinement(sessions, entry->session, &entry->confinement);

	if (r == -ESRCH)
		return refuse(entry->session, "it has no process whose limits its own could have");
	if (r < 0)
		return refuse(entry->session, strerror(-r));
	/* who called su chose its umask, and files of root's must not be open to them */
	if (entry->identity.uid == 0)
		entry->confinement.mask |= OTHERS_WRITE;
	return -1;
}

static int open_streams(struct entry *entry, bool wants_terminal)
{
	int r;

	entry->has_terminal = wants_terminal || (isatty(STDIN_FILENO) && isatty(STDOUT_FILENO));
	r = entry->has_terminal ? terminal_open(&entry->terminal, entry->identity.uid)
				: pipes_open(&entry->pipes, entry->identity.uid);
	return r < 0 ? command_fail("a new terminal or pipes: %s", strerror(-r)) : -1;
}

static void become(void *data, int parent)
{
	command_become(data, parent);
}

static int start(struct entry *entry, char **arguments)
{
	const struct identity *identity = &entry->identity;
	const char *shell = *identity->shell ? identity->shell : DEFAULT_SHELL;
	const struct environment environment = {
		.user = identity->name,
		.home = *identity->home ? identity->home : "/",
		.shell = shell,
		.session = entry->session->view.record.id,
		.root = identity->uid == 0,
	};
	struct command command = {
		.identity = identity,
		.groups = &entry->groups,
		.shell = shell,
		.arguments = arguments,
		.environment = entry->environment = environment_make(&environment, environ),
		.mask = &entry->signals.before,
		.terminal = entry->has_terminal ? STDIN_FILENO : -1,
	};
	struct enter_request request = {
		.init = entry->session->view.init_pid,
		.init_pidfd = entry->pidfd,
		.namespaces = entry->session->namespaces,
		.user_namespace = entry->session->view.record.namespaces[NAMESPACE_USER],
		.confinement = &entry->confinement,
		.become = become,
		.data = &command,
	};
	_cleanup_free_ char *text = NULL;
	int r;

	if (!command.environment)
		return command_fail("%s", strerror(ENOMEM));
	for (size_t i = 0; i < ELEMENTS(request.streams); i++)
		request.streams[i] = entry->has_terminal ? entry->terminal.slave : entry->pipes.theirs[i];
	r = enter_start(&request, &entry->entered, &text);
	terminal_close_slave(&entry->terminal);
	pipes_close_theirs(&entry->pipes);
	return r < 0 ? refuse(entry->session, text ? text : strerror(-r)) : -1;
}

/* The last of the output: first as it came, then, should nobody take it, for as long as nobody ends us. */
static void finish_streams(struct entry *entry)
{
	if (entry->has_terminal)
		terminal_drain(&entry->terminal, DRAIN_STALL_MS);
	terminal_restore(&entry->terminal);
	signals_release(&entry->signals);
	system_log_close(&entry->log);
	if (entry->has_terminal)
		terminal_drain(&entry->terminal, -1);
	else
		pipes_drain(&entry->pipes);
}

/* The command's exit status: it waits inside for the word to go on, which is after the log has its line. */
static int run_command(struct entry *entry, const struct enter_log *log)
{
	const struct streams streams = {
		.terminal = entry->has_terminal ? &entry->terminal : NULL,
		.pipes = entry->has_terminal ? NULL : &entry->pipes,
	};
	const pid_t pid = entry->entered.pid;
	int waited = 0, status, r;

	/* that nobody takes the output any more is told by the write, and to the command in turn */
	(void)signal(SIGPIPE, SIG_IGN);
	enter_log_begin(log, pid);
	r = enter_go(&entry->entered);
	/* EPIPE: killed with its session, as its status tells */
	if (r == 0 || r == -EPIPE) {
		terminal_raw(&entry->terminal);
		r = supervise(pid, &entry->signals, &streams, &waited);
	}
	if (r < 0)
		(void)kill(pid, SIGKILL);
	status = r < 0 ? EXIT_REFUSED : status_of(waited);
	enter_log_end(log, pid, status);
	finish_streams(entry);
	return r < 0 ? command_fail("step wait: %s", strerror(-r)) : status;
}

static int enter(const struct options *options, struct entry *entry, char **arguments)
{
	const struct record *record = &entry->session->view.record;
	const struct enter_log log = {
		.log = &entry->log,
		.session = record->id,
		.user = record->user,
		.service = record->service,
		.policy = record->policy,
		.root = options->root,
		.command = arguments,
		.shell = *entry->identity.shell ? entry->identity.shell : DEFAULT_SHELL,
	};
	int r = system_log_open(&entry->log, "nsinspect");

	/* who may not enter unseen could as well stop the daemon: but it is not kept from who must repair it */
	if (r < 0)
		(void)command_fail("this is not logged: nobody takes it: %s", strerror(-r));
	r = signals_hold(&entry->signals);
	if (r < 0)
		return command_fail("signals: %s", strerror(-r));
	r = start(entry, arguments);
	return r >= 0 ? r : run_command(entry, &log);
}

static int enter_session(const struct options *options, const struct sessions *sessions, struct session *session,
			 char **arguments)
{
	_cleanup_(entry_release) struct entry entry = {
		.session = session,
		.pidfd = -1,
		.terminal = { .master = -1, .slave = -1 },
		.pipes = pipes_none,
		.signals = { .fd = -1 },
		.entered = { .channel = -1 },
		.log = SYSTEM_LOG_NONE,
	};
	int r = pin(options, &entry);

	if (r < 0)
		r = find_identity(&entry, options->root);
	if (r < 0)
		r = find_confinement(sessions, &entry);
	if (r < 0)
		r = open_streams(&entry, options->terminal);
	return r < 0 ? enter(options, &entry, arguments) : r;
}

/* The status is the command's, or one of enum command_exit. */
static enum exit_status run(const struct options *options, char **arguments)
{
	_cleanup_(sessions_release) struct sessions sessions = { 0 };
	enum exit_status ignored = EXIT_TROUBLE;
	struct session *session;

	if (!command_streams_are_open())
		return (enum exit_status)command_fail("/dev/null: %s", strerror(errno));
	session = load_sessions(options, LOOK_WHOLE, &sessions, &ignored)
			  ? pick_session(&sessions, options->id, &ignored)
			  : NULL;
	return (enum exit_status)(session ? enter_session(options, &sessions, session, arguments) : EXIT_REFUSED);
}

const struct subcommand command_enter = {
	.name = "enter",
	.arguments = "ID [CMD...]",
	.summary = "run a shell or a command inside a session",
	.arguments_max = INT_MAX,
	.options = OPTIONS_ENTER,
	.runs_command = true,
	.run = run,
};
