/* SPDX-License-Identifier: BSD-3-Clause OR GPL-2.0-or-later */

/*
 * nsinspect kill: ends sessions by SIGKILL to their inits, with which the kernel ends every process of their PID
 * namespaces, and removes what they leave behind. An init is known by a pidfd that was opened
 * while it held the lock: it did before and does afterwards, and a lock is not handed on, so the pidfd is the init's.
 */

#include "common/clock.h"
#include "common/error.h"
#include "session/join_protocol.h"
#include "session/record_store.h"
#include "tools/caller.h"
#include "tools/display.h"
#include "tools/inspect_sessions.h"
#include "tools/session_pin.h"
#include "tools/system_log.h"

#include <fcntl.h>
#include <inttypes.h>
#include <limits.h>
#include <poll.h>
#include <pwd.h>
#include <signal.h>
#include <string.h>
#include <sys/pidfd.h>

/* How long the end of all sessions together is waited for. */
#define END_MS 10000

struct target {
	const struct session *session; /* of the first reading */
	int pidfd;                     /* -1: given up, and said so */
	bool sent;
};

struct targets {
	struct target *items;
	size_t count;
	enum exit_status status; /* the worst so far */
	struct system_log log;
};

static void targets_release(struct targets *targets)
{
	for (size_t i = 0; i < targets->count; i++)
		close_fd(targets->items[i].pidfd);
	free(targets->items);
	system_log_close(&targets->log);
}

static void worsen(struct targets *targets, enum exit_status status)
{
	if (status > targets->status)
		targets->status = status;
}

/* One that is left alone: a line about it, and not the status of success. */
static void pass_over(struct targets *targets, const struct session *session, enum exit_status status,
		      const char *reason)
{
	(void)trouble("%s: not killed: %s", session->view.name, reason);
	worsen(targets, status);
}

static bool add_target(struct targets *targets, const struct session *session)
{
	for (size_t i = 0; i < targets->count; i++) {
		if (targets->items[i].session == session)
			return true;
	}

	struct target *items = reallocarray(targets->items, targets->count + 1, sizeof(*items));

	if (!items)
		return false;
	targets->items = items;
	items[targets->count++] = (struct target){ .session = session, .pidfd = -1 };
	return true;
}

/* Which sessions are meant */

static enum exit_status add_named(const struct sessions *sessions, char **ids, struct targets *targets)
{
	for (; *ids; ids++) {
		enum exit_status status = EXIT_CLEAN;
		const struct session *session = pick_session(sessions, *ids, &status);

		if (session && strchr(*ids, '.')) {
			status = trouble("'%s' is one of the logins in session %s, which can only be killed as a whole",
					 *ids, session->view.name);
			session = NULL;
		}
		worsen(targets, status);
		if (session && !add_target(targets, session))
			return trouble_errno(ENOMEM, "kill");
	}
	return EXIT_CLEAN;
}

/* Whether a new login like this one would have another policy. What cannot be told is said, and is no reason to kill.
 */
static bool has_changed(struct targets *targets, const struct session *session)
{
	_cleanup_(verdict_release) struct verdict verdict = { .directory = -1 };
	int r = record_verdict(&session->view.record, NULL, &verdict);

	if (r < 0) {
		pass_over(targets, session, EXIT_FINDINGS,
			  r == -ENOENT ? "there is no such user any more" : "its user cannot be looked up");
		return false;
	}
	if (verdict.outcome == VERDICT_POLICY)
		return verdict.policy->hash != session->view.record.policy_hash;
	pass_over(targets, session, EXIT_FINDINGS,
		  verdict.outcome == VERDICT_REFUSED ? "the policy now cannot be used" : "no policy is its user's now");
	return false;
}

static bool is_live_record(const struct session *session)
{
	return session_is_alive(session) && session->view.valid && session->state != SESSION_WOULD_ISOLATE;
}

static enum exit_status add_matching(const struct sessions *sessions, const struct options *options,
				     struct targets *targets)
{
	_cleanup_(whose_release) struct whose whose = { 0 };

	if (find_whose(options->user, &whose) < 0)
		return trouble_errno(ENOMEM, "kill");
	for (size_t i = 0; i < sessions->count; i++) {
		const struct session *session = sessions->items[i];

		if (!is_live_record(session) || !is_of(session, &whose))
			continue;
		/* a record from inside is no reason to read policies */
		if (options->changed && (session->inside || !has_changed(targets, session)))
			continue;
		if (!add_target(targets, session))
			return trouble_errno(ENOMEM, "kill");
	}
	if (options->user && !options->changed && targets->count == 0) {
		(void)trouble("no session of '%s'%s", options->user,
			      getpwnam(options->user) ? "" : ", and there is no such user");
		worsen(targets, EXIT_FINDINGS);
	}
	return EXIT_CLEAN;
}

/* Killing them */

static void open_target(struct targets *targets, struct target *target)
{
	enum exit_status status;
	const char *reason = session_pin(target->session, &target->pidfd, &status);

	if (reason)
		pass_over(targets, target->session, status, reason);
}

static void log_kill(const struct system_log *log, const struct session *session)
{
	const struct record *record = &session->view.record;
	struct log_entry entry;

	log_entry_begin(&entry, LOG_SESSION_KILLED);
	log_entry_word(&entry, "id", session->view.name);
	log_entry_word(&entry, "user", record->user);
	log_entry_word(&entry, "service", record->service);
	log_entry_word(&entry, "rhost", record->remote_host);
	log_entry_word(&entry, "policy", record->policy);
	log_entry_plain(&entry, "hash", "%016" PRIx64, record->policy_hash);
	log_entry_plain(&entry, "by", "%s", caller_name().text);
	system_log_write(log, entry);
	system_log_audit(log, &(struct audit_event){ .op = "nsisolate-kill",
						     .user = record->user,
						     .session = session->view.name,
						     .policy = record->policy });
}

static void send_to(struct targets *targets, struct target *target)
{
	int r = pidfd_send_signal(target->pidfd, SIGKILL, NULL, 0);

	if (r < 0 && errno != ESRCH) {
		pass_over(targets, target->session, EXIT_TROUBLE, strerror(errno));
		target->pidfd = close_fd(target->pidfd);
		return;
	}
	/* ESRCH: with the session around it that was killed just now, or by itself, but after we saw it */
	target->sent = true;
	log_kill(&targets->log, target->session);
}

static enum exit_status kill_all(const struct options *options, struct targets *targets)
{
	_cleanup_(sessions_release) struct sessions again = { 0 };
	int r;

	for (size_t i = 0; i < targets->count; i++)
		open_target(targets, &targets->items[i]);
	r = sessions_read(options->record_directory, LOOK_WHOLE, &again);
	if (r < 0)
		return trouble_errno(r, options->record_directory);
	for (size_t i = 0; i < targets->count; i++) {
		struct target *target = &targets->items[i];

		if (target->pidfd < 0)
			continue;
		if (session_is_still_there(&again, target->session)) {
			send_to(targets, target);
			continue;
		}
		pass_over(targets, target->session, EXIT_FINDINGS, "it has ended");
		target->pidfd = close_fd(target->pidfd);
	}
	return EXIT_CLEAN;
}

/* What they leave behind */

/* A pidfd is readable once its process has ended, and an init ends after every process of its PID namespace. */
static bool wait_for_end(const struct target *target, int64_t until)
{
	struct pollfd poller = { .fd = target->pidfd, .events = POLLIN };
	int64_t left = until - now_ms();

	return poll(&poller, 1, left > 0 ? (int)left : 0) > 0;
}

/* Its own record, and those of the logins that joined it, all of which nobody holds any more. */
static int remove_records(const char *id)
{
	int directory = open(RECORD_DIRECTORY, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	_cleanup_(closedirp) DIR *stream = directory < 0 ? NULL : fdopendir(directory);
	const struct dirent *entry;
	int r = 0;

	if (!stream) {
		r = negative_errno();
		close_fd(directory);
		return r;
	}
	while ((entry = readdir(stream))) {
		struct record_view view = { 0 };

		if (strncmp(entry->d_name, id, SESSION_ID_LENGTH) != 0 ||
		    (entry->d_name[SESSION_ID_LENGTH] != '\0' && entry->d_name[SESSION_ID_LENGTH] != '.'))
			continue;
		if (record_view_read(dirfd(stream), entry->d_name, &view) == 0 && view.valid && !view.alive) {
			int removed = record_remove(view.name);

			r = removed < 0 ? removed : r;
		}
		record_release(&view.record);
	}
	return r;
}

static int clean_up(const struct session *session)
{
	const struct record *record = &session->view.record;

	/* what is inside another session is for that to sweep */
	if (session->inside)
		return 0;
	join_listener_remove(record->uid, record->policy_hash, record->id);
	return remove_records(record->id);
}

static void report_end(struct targets *targets, const struct session *session)
{
	const struct record *record = &session->view.record;
	_cleanup_free_ char *user = display_text(record->user);
	_cleanup_free_ char *service = display_text(record->service);
	int r = clean_up(session);

	(void)printf("%s: killed: %s, %s, %zu login%s%s\n", session->view.name, user ? user : "-",
		     service ? service : "-", session->logins_alive, session->logins_alive == 1 ? "" : "s",
		     session->apart[NAMESPACE_PID] ? "" : "; without a PID namespace, its processes go on");
	if (r < 0)
		worsen(targets, trouble("%s: its record remains: %s", session->view.name, strerror(-r)));
}

static void wait_for_all(struct targets *targets)
{
	int64_t until = now_ms() + END_MS;

	for (size_t i = 0; i < targets->count; i++) {
		const struct target *target = &targets->items[i];

		if (!target->sent)
			continue;
		if (wait_for_end(target, until))
			report_end(targets, target->session);
		else
			worsen(targets,
			       trouble("%s: killed, but it has not ended within %d s: one of its processes is held up "
				       "in the kernel (state D), or has ended and its parent does not wait for it "
				       "(state Z); see 'ps -eo pid,ppid,stat,comm'",
				       target->session->view.name, END_MS / 1000));
	}
}

static enum exit_status run(const struct options *options, char **arguments)
{
	_cleanup_(sessions_release) struct sessions sessions = { 0 };
	_cleanup_(targets_release) struct targets targets = { .log = SYSTEM_LOG_NONE };
	bool matching = options->user || options->changed;
	enum exit_status status;

	if (matching && *arguments)
		return trouble("an ID excludes -u and --changed");
	if (!matching && !*arguments)
		return trouble("'kill' needs an ID, -u or --changed");
	if (!load_sessions(options, LOOK_WHOLE, &sessions, &status))
		return status;
	(void)system_log_open(&targets.log, "nsinspect");
	status = matching ? add_matching(&sessions, options, &targets) : add_named(&sessions, arguments, &targets);
	if (status == EXIT_CLEAN && targets.count > 0)
		status = kill_all(options, &targets);
	wait_for_all(&targets);
	worsen(&targets, status);
	return targets.status;
}

const struct subcommand command_kill = {
	.name = "kill",
	.arguments = "[ID...]",
	.summary = "kill sessions with all that is in them",
	.arguments_max = INT_MAX,
	.options = OPTIONS_KILL | OPTIONS_USER,
	.run = run,
};
