/* SPDX-License-Identifier: BSD-3-Clause OR GPL-2.0-or-later */

/*
 * nsrun is the login process of a session: it asks the helper as the PAM module
 * does, enters by one setns(2), starts the command inside, waits for it and
 * leaves. Whatever ends nsrun ends the session. Everything that needs the
 * host, such as NSS, the log and a new terminal, is there before it enters.
 */

#include "config/who.h"
#include "nsisolate-config.h"
#include "session/counters.h"
#include "session/log_line.h"
#include "tools/command.h"
#include "tools/command_exit.h"
#include "tools/environment.h"
#include "tools/nsrun.h"
#include "tools/nsrun_wait.h"
#include "tools/system_log.h"

#include <limits.h>
#include <string.h>
#include <sys/stat.h>

#define DEFAULT_SHELL "/bin/sh"

/* One run, from the question whose policy it is to the end of the session. */
struct run {
	const struct nsrun *nsrun;
	const char *user; /* as given, for the log */
	struct who who;
	struct group_list groups;
	struct signals signals;
	struct terminal terminal;
	char *tty;               /* of standard input, or of the new terminal; NULL: none */
	struct session *session; /* NULL, or one of mode audit: nothing is isolated */
	struct system_log log;
	struct stat directory; /* the working directory before the session */
	bool has_directory;
};

static void run_release(struct run *run)
{
	session_free(run->session);
	system_log_close(&run->log);
	terminal_close(&run->terminal);
	signals_release(&run->signals);
	group_list_release(&run->groups);
	who_release(&run->who);
	free(run->tty);
}

static struct log_login login_of(const struct run *run)
{
	return (struct log_login){ run->user, run->nsrun->service, run->nsrun->from };
}

static void audit_session(const struct run *run, const char *op)
{
	system_log_audit(&run->log, &(struct audit_event){ .op = op,
							   .user = run->session->user,
							   .session = run->session->id,
							   .policy = run->session->policy });
}

static void log_session(const struct run *run, enum log_message message)
{
	const struct log_login login = login_of(run);

	system_log_write(&run->log, log_of_session(message, &login, run->session));
}

static void log_login(const struct run *run, enum log_message message, const char *text)
{
	const struct log_login login = login_of(run);

	system_log_write(&run->log, log_of_login(message, &login, text));
}

static int refuse(const struct run *run, enum log_message message, const char *text)
{
	log_login(run, message, text);
	system_log_audit(&run->log, &(struct audit_event){ .op = "nsisolate-open", .user = run->user, .failed = true });
	return command_fail("%s is refused: %s", run->user, text ? text : "out of memory");
}

/* -1: the command is to be run all the same; else an exit status. */
static int let_through(const struct run *run, const char *text)
{
	const char *reason = text ? text : "out of memory";

	if (!run->nsrun->unisolated_ok)
		return command_fail("%s would not be isolated: %s; --unisolated-ok runs the command all the same",
				    run->user, reason);
	(void)command_fail("%s is not isolated: %s", run->user, reason);
	return -1;
}

static int pass(const struct run *run, enum log_message message, const char *text)
{
	int r = let_through(run, text);

	if (r < 0)
		log_login(run, message, text);
	return r;
}

static int keep_session(const struct run *run)
{
	log_session(run, LOG_SESSION_OPENED);
	audit_session(run, "nsisolate-open");
	return -1;
}

/* A record alone: nothing is isolated. -1: the command is to be run all the same; else an exit status. */
static int pass_audit(struct run *run)
{
	_cleanup_free_ char *text = NULL;
	int r;

	if (asprintf(&text, "%s says mode \"audit\"", run->session->policy) < 0)
		text = NULL;
	r = let_through(run, text);
	if (r < 0) {
		log_session(run, LOG_WOULD_ISOLATE);
		return r;
	}
	(void)session_leave(run->session);
	return r;
}

/* What the helper says of one who gets no session. -1: go on; else an exit status. */
static int answer(const struct run *run, enum outcome outcome, const char *text)
{
	const enum log_message message = log_message_of_outcome(outcome, false);

	switch (outcome) {
	case OUTCOME_OFF:
	case OUTCOME_SYSTEM_USER:
	case OUTCOME_USER_MANAGER:
	case OUTCOME_AUDIT:
		return pass(run, message, text);
	case OUTCOME_OPENED:
	case OUTCOME_DENIED:
	case OUTCOME_FULL:
	case OUTCOME_NO_POLICY:
	case OUTCOME_REFUSED:
	case OUTCOME_FAILED:
	case OUTCOME_LIMITS:
	default:
		return refuse(run, message, text);
	}
}

/* As a login is. What is not run for want of --unisolated-ok is none. */
static void count(struct counters *counters, const struct run *run, enum outcome outcome, int status)
{
	enum counter counter = counter_of_outcome(outcome, false);

	if (outcome == OUTCOME_OPENED)
		counter = session_is_audit(run->session) ? COUNTER_WOULD_ISOLATE : COUNTER_OPENED;
	if (status < 0 || (counter >= COUNTER_REFUSED_POLICY && counter <= COUNTER_REFUSED_FAILED))
		counters_add(counters, counter);
}

/* -1: go on; else an exit status. */
static int enter_session(struct run *run)
{
	_cleanup_(counters_release) struct counters counters = { 0 };
	_cleanup_free_ char *text = NULL;
	enum outcome outcome;
	int r;
	const struct session_request request = {
		.user = run->who.identity.name,
		.uid = run->who.identity.uid,
		.gid = run->who.identity.gid,
		.group = run->who.group ? run->who.group : "",
		.home = run->who.identity.home,
		.service = run->nsrun->service,
		.tty = run->tty ? run->tty : "",
		.remote_host = run->nsrun->from,
		.flags = REQUEST_ALONE,
		.limits_by = LIMITS_BY_CALLER,
		.candidates = run->who.candidates,
	};

	/* while the host's file is in reach */
	counters_open(&counters);
	outcome = session_enter(&request, NSISOLATE_HELPER, &run->session, &text);
	if (outcome == OUTCOME_OPENED)
		r = session_is_audit(run->session) ? pass_audit(run) : keep_session(run);
	else
		r = answer(run, outcome, text);
	count(&counters, run, outcome, r);
	return r;
}

/* Whose policy it is. -1: go on, *ret_ask tells whether there is something to ask the helper; else an exit status. */
static int find_policy(struct run *run, bool *ret_ask)
{
	_cleanup_free_ char *text = NULL;
	const struct who_query query = {
		.user = run->user,
		.directory = NSISOLATE_POLICY_DIRECTORY,
		.file = run->nsrun->file,
	};
	enum who_result result = who_find(&query, &run->who, &text);

	*ret_ask = result == WHO_CANDIDATES;
	if (result == WHO_CANDIDATES)
		return -1;
	if (result == WHO_ROOT)
		return pass(run, text ? LOG_PASSED_ROOT_ANYWAY : LOG_PASSED_ROOT,
			    text ? text : "uid 0 is passed unless there is a user/root.conf");
	counters_add_once(result == WHO_REFUSED ? COUNTER_REFUSED_POLICY : COUNTER_REFUSED_FAILED);
	return refuse(run, result == WHO_REFUSED ? LOG_REFUSED_POLICY : LOG_REFUSED_FAILED, text);
}

/* What a session would get in the way of. -1: go on; else an exit status. */
static int prepare(struct run *run)
{
	const struct identity *identity = &run->who.identity;
	char tty[TTY_NAME_MAX + 1] = "";
	int r;

	/* root who is passed was not looked up */
	if (!identity->name) {
		r = identity_lookup(run->user, &run->who.identity);
		if (r < 0)
			return command_fail("user %s: %s", run->user, strerror(-r));
	}
	r = group_list_of(identity, &run->groups);
	if (r < 0)
		return command_fail("the groups of %s: %s", identity->name, strerror(-r));
	if (run->nsrun->terminal) {
		r = terminal_open(&run->terminal, identity->uid);
		if (r < 0)
			return command_fail("a new terminal: %s", strerror(-r));
	}
	if (run->nsrun->terminal)
		run->tty = strdup(run->terminal.name);
	else if (ttyname_r(STDIN_FILENO, tty, sizeof(tty)) == 0)
		run->tty = strdup(tty);
	run->has_directory = stat(".", &run->directory) == 0;
	return -1;
}

static bool is_in_same_directory(const struct run *run)
{
	struct stat now;

	return run->has_directory && stat(".", &now) == 0 && now.st_dev == run->directory.st_dev &&
	       now.st_ino == run->directory.st_ino;
}

static pid_t start_command(const struct run *run)
{
	const struct identity *identity = &run->who.identity;
	const char *shell = *identity->shell ? identity->shell : DEFAULT_SHELL;
	const struct environment environment = {
		.user = identity->name,
		.home = *identity->home ? identity->home : "/",
		.shell = shell,
		.session = run->session && !session_is_audit(run->session) ? run->session->id : NULL,
		.root = identity->uid == 0,
		.preserve = run->nsrun->preserve_environment,
	};
	struct command command = {
		.identity = identity,
		.groups = &run->groups,
		.shell = shell,
		.arguments = run->nsrun->command,
		.environment = environment_make(&environment, environ),
		.mask = &run->signals.before,
		.terminal = run->nsrun->terminal ? run->terminal.slave : -1,
		.keep_directory = is_in_same_directory(run),
	};
	pid_t pid = command.environment ? command_start(&command) : -ENOMEM;

	command.environment = environment_free(command.environment);
	return pid;
}

/* An exit status. */
static int run_command(struct run *run)
{
	struct terminal *terminal = run->nsrun->terminal ? &run->terminal : NULL;

	return nsrun_wait(start_command(run), &run->signals, terminal);
}

static void leave_session(struct run *run)
{
	int r = session_leave(run->session);

	log_session(run, LOG_SESSION_CLOSED);
	audit_session(run, "nsisolate-close");
	counters_add_once(r < 0                   ? COUNTER_CLOSED_FAILED
			  : run->session->gone_on ? COUNTER_CLOSED_LEFT
						  : COUNTER_CLOSED_ENDED);
	if (r < 0) {
		const struct log_login login = login_of(run);

		system_log_write(&run->log, log_of_failed_close(&login, run->session, r));
		(void)command_fail("step close: %s", strerror(-r));
	}
}

int nsrun_run(const struct nsrun *nsrun)
{
	_cleanup_(run_release) struct run run = {
		.nsrun = nsrun,
		.user = nsrun->user ? nsrun->user : "root",
		.signals = { .fd = -1 },
		.terminal = { .master = -1, .slave = -1 },
		.log = SYSTEM_LOG_NONE,
	};
	bool ask;
	int r, status;

	/* connected now: inside the session the path may lead elsewhere or nowhere */
	(void)system_log_open(&run.log, "nsrun");
	r = find_policy(&run, &ask);
	if (r < 0)
		r = prepare(&run);
	if (r >= 0)
		return r;
	r = signals_hold(&run.signals);
	if (r < 0)
		return command_fail("signals: %s", strerror(-r));
	r = ask ? enter_session(&run) : -1;
	if (r >= 0)
		return r;
	status = run_command(&run);
	if (run.session)
		leave_session(&run);
	if (nsrun->terminal)
		nsrun_finish(&run.signals, &run.terminal);
	return status;
}
