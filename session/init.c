/* SPDX-License-Identifier: BSD-3-Clause OR GPL-2.0-or-later */
#include "session/init.h"

#include "session/apply.h"
#include "session/keeper.h"
#include "session/protocol.h"
#include "session/record_store.h"
#include "session/report.h"
#include "session/seal.h"

#include <malloc.h>
#include <sched.h>
#include <signal.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>

/* How long the helper, which only writes the record meanwhile, may take. */
#define HELPER_TIMEOUT_MS 20000

/* Negative ones are none. */
static void close_all_but(int *keep, size_t count)
{
	unsigned from = 0;

	/* insertion sort: a handful of descriptors */
	for (size_t i = 1; i < count; i++) {
		for (size_t j = i; j > 0 && keep[j - 1] > keep[j]; j--) {
			int swap = keep[j];

			keep[j] = keep[j - 1];
			keep[j - 1] = swap;
		}
	}
	for (size_t i = 0; i < count; i++) {
		if (keep[i] < 0)
			continue;
		if ((unsigned)keep[i] > from)
			(void)close_range(from, (unsigned)keep[i] - 1, 0);
		from = (unsigned)keep[i] + 1;
	}
	(void)close_range(from, ~0U, 0);
}

static int send_report(const struct init_arguments *arguments, const struct report *report)
{
	_cleanup_(message_release) struct message message = { 0 };

	report_encode(report, &message);
	return message_send(arguments->caller, &message, NULL, 0);
}

/* 1: INIT_WRITTEN; 0: a network, which is not wanted any more where a step before has failed; -errno. */
static int hear_helper(const struct init_arguments *arguments)
{
	_cleanup_(message_release) struct message message = { 0 };
	_cleanup_close_ int network = -1;
	struct message_reader reader;
	const char *word;
	size_t fds = 1;
	int r = message_receive(arguments->helper, HELPER_TIMEOUT_MS, &message, &network, &fds);

	if (r < 0)
		return r;
	reader = message_read(&message);
	word = message_get(&reader);
	return strcmp(word, INIT_WRITTEN) == 0 ? 1 : strcmp(word, INIT_NETWORK) == 0 ? 0 : -EPROTO;
}

/* The helper ended without a word: somebody killed it, and nobody waits for this session. */
static int wait_for_helper(const struct init_arguments *arguments)
{
	int r;

	do
		r = hear_helper(arguments);
	while (r == 0);
	return r < 0 ? r : 0;
}

/* Locked before it is linked: whoever sees a record with a free lock knows that its session has ended. */
static int show_record(const struct init_arguments *arguments)
{
	const struct init_files *files = &arguments->files;
	int r = record_lock(files->record, RECORD_LOCK_BOTH);

	return r < 0 ? r : record_publish(files->directory, files->record, arguments->id);
}

/*
 * What others did of the steps. Whoever is in the session must not meet them: they have ended when the socket has. The
 * report's strings are in the message.
 */
static int hear_steps(const struct init_arguments *arguments, struct message *message, struct report *ret_report)
{
	_cleanup_(message_release) struct message end = { 0 };
	size_t no_fds = 0;
	int r = message_receive(arguments->steps, HELPER_TIMEOUT_MS, message, NULL, &no_fds);

	if (r == 0)
		r = report_decode(message, ret_report);
	if (r < 0)
		return r;
	r = message_receive(arguments->steps, HELPER_TIMEOUT_MS, &end, NULL, &no_fds);
	return r == -ECONNRESET ? 0 : r < 0 ? r : -EPROTO;
}

/* What is mounted here belongs to the maker's user namespace. The copy is ours, and what is in it is locked. */
static int lock_mounts(const struct plan *plan, struct report *ret_report)
{
	const struct step *step = plan_find(plan, STEP_LOCK_MOUNTS);

	if (!step || ret_report->error < 0 || unshare(CLONE_NEWNS) == 0)
		return 0;
	*ret_report = (struct report){ .error = -errno, .step = step_name(step->kind), .object = step->target };
	return 0;
}

static int tell_helper(const struct init_arguments *arguments)
{
	_cleanup_(message_release) struct message message = { 0 };

	message_put(&message, INIT_SETTLED);
	return message_send(arguments->helper, &message, NULL, 0);
}

/* The steps under user_map.h. */
static int have_steps_done(const struct init_arguments *arguments, struct message *message, struct report *ret_report)
{
	int r = hear_steps(arguments, message, ret_report);

	if (r == 0)
		r = lock_mounts(arguments->plan, ret_report);
	return r < 0 ? r : tell_helper(arguments);
}

static int do_steps(const struct init_arguments *arguments, struct report *ret_report)
{
	const struct step *failed = NULL;
	const char *object = NULL;

	ret_report->error = apply_init_steps(arguments->plan, arguments->helper, &failed, &object);
	if (ret_report->error < 0) {
		ret_report->step = step_name(failed->kind);
		ret_report->object = object;
	}
	return 0;
}

/* The steps first, whatever the helper is doing meanwhile; their failure is reported once the reply is out. */
static int prepare(const struct init_arguments *arguments, struct message *message, struct report *ret_report)
{
	const struct init_files *files = &arguments->files;
	int r = arguments->steps < 0 ? do_steps(arguments, ret_report)
				     : have_steps_done(arguments, message, ret_report);

	if (r == 0)
		r = wait_for_helper(arguments);
	if (r < 0 || ret_report->error < 0)
		return r;
	ret_report->error = show_record(arguments);
	ret_report->step = step_name(STEP_RECORD);
	ret_report->object = RECORD_DIRECTORY;
	/* by us and not by the helper, so that SO_PEERCRED of later logins names us, unix(7) */
	if (ret_report->error == 0 && files->listener >= 0 && listen(files->listener, SOMAXCONN) < 0)
		ret_report->error = -errno;
	return 0;
}

/*
 * The lock tells inspectors that no process of the session can have made the init leave its namespaces: nobody is in
 * yet. Tolerates that there is no memory for a lock: then they read more.
 */
static int give_up_power(const struct init_arguments *arguments)
{
	int r = seal_capabilities();

	if (r == 0)
		(void)!record_lock(arguments->files.record, RECORD_LOCK_SEALED);
	return r;
}

/* However long the policy that the helper has read: a host has thousands of inits. */
static void forget_helper(const struct init_arguments *arguments)
{
	plan_free(arguments->plan);
	policy_free(arguments->policy);
	(void)malloc_trim(0);
}

void init_main(const struct init_arguments *arguments)
{
	const struct init_files *files = &arguments->files;
	int at_work[] = {
		arguments->caller_pidfd, arguments->caller, arguments->helper, files->record,
		files->directory,        files->place,      files->listener,   files->gate,
		files->locks[0],         files->locks[1],   files->slirp,      arguments->steps,
	};
	/* nothing of the host may be held once somebody can come in */
	int at_rest[] = {
		arguments->caller_pidfd, arguments->caller, files->record,   files->place,
		files->listener,         files->locks[0],   files->locks[1], files->slirp,
	};
	struct report report = { 0 };
	struct message message = { 0 };

	close_all_but(at_work, ELEMENTS(at_work));
	(void)prctl(PR_SET_NAME, "nsisolate-init", 0, 0, 0);
	/* orphans of the session become our children: wait(2), an ignored SIGCHLD makes the kernel reap them */
	(void)signal(SIGCHLD, SIG_IGN);
	if (prctl(PR_SET_DUMPABLE, 1, 0, 0, 0) < 0 || prepare(arguments, &message, &report) < 0)
		_exit(1);
	close_all_but(at_rest, ELEMENTS(at_rest));
	if (report.error == 0 && give_up_power(arguments) < 0)
		_exit(1);
	if (send_report(arguments, &report) < 0 || report.error < 0)
		_exit(1);
	message_release(&message);
	forget_helper(arguments);
	keep_session(arguments);
	_exit(0);
}
