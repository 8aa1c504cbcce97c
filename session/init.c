/* SPDX-License-Identifier: BSD-3-Clause OR GPL-2.0-or-later */
#include "session/init.h"

#include "session/apply.h"
#include "session/protocol.h"
#include "session/record_store.h"
#include "session/report.h"

#include <linux/capability.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/syscall.h>

/* How long the login process may take from our "ready" to its setns. */
#define JOIN_TIMEOUT_MS 30000
/* How long the helper, which only writes the record meanwhile, may take. */
#define HELPER_TIMEOUT_MS 20000

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

/* The helper ended without a word: somebody killed it, and nobody waits for this session. */
static int wait_for_helper(const struct init_arguments *arguments)
{
	_cleanup_(message_release) struct message message = { 0 };
	struct message_reader reader;
	size_t no_fds = 0;
	int r = message_receive(arguments->helper, HELPER_TIMEOUT_MS, &message, NULL, &no_fds);

	if (r < 0)
		return r;
	reader = message_read(&message);
	return strcmp(message_get(&reader), INIT_WRITTEN) == 0 ? 0 : -EPROTO;
}

/* Locked before it is linked: whoever sees a record with a free lock knows that its session has ended. */
static int show_record(const struct init_arguments *arguments)
{
	int r = record_lock(arguments->record);

	return r < 0 ? r : record_publish(arguments->directory, arguments->record, arguments->id);
}

/* The steps first, whatever the helper is doing meanwhile; their failure is reported once the reply is out. */
static int prepare(const struct init_arguments *arguments, struct report *ret_report)
{
	const struct step *failed = NULL;
	int r;

	ret_report->error = apply_init_steps(arguments->plan, &failed);
	if (ret_report->error < 0) {
		ret_report->step = step_name(failed->kind);
		ret_report->object = failed->target ? failed->target : failed->value;
	}
	r = wait_for_helper(arguments);
	if (r < 0 || ret_report->error < 0)
		return r;
	ret_report->error = show_record(arguments);
	ret_report->step = step_name(STEP_RECORD);
	ret_report->object = RECORD_DIRECTORY;
	return 0;
}

/* 0 when the login process says that it is in; anything else (it died, it gave up, time is over) ends the session. */
static int wait_for_caller(const struct init_arguments *arguments)
{
	_cleanup_(message_release) struct message message = { 0 };
	struct message_reader reader;
	size_t no_fds = 0;
	int r = message_receive(arguments->caller, JOIN_TIMEOUT_MS, &message, NULL, &no_fds);

	if (r < 0)
		return r;
	reader = message_read(&message);
	return strcmp(message_get(&reader), PROTOCOL_VERSION) == 0 ? 0 : -EPROTO;
}

/*
 * From here on the init must only wait and exit. Afterwards it has no
 * capability, can gain none, and its memory and /proc entries are root's alone (prctl(2), PR_SET_DUMPABLE).
 * It had to be dumpable until the login process was in: its setns(2) is a ptrace(2) access check.
 */
static int seal(void)
{
	struct __user_cap_header_struct header = { .version = _LINUX_CAPABILITY_VERSION_3 };
	struct __user_cap_data_struct none[_LINUX_CAPABILITY_U32S_3] = { 0 };

	if (prctl(PR_SET_DUMPABLE, 0, 0, 0, 0) < 0 || prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0)
		return -errno;
	if (syscall(SYS_capset, &header, none) < 0)
		return -errno;
	return 0;
}

static void wait_for_end(int caller_pidfd)
{
	struct pollfd poller = { .fd = caller_pidfd, .events = POLLIN };

	/* EINTR: a stop and continue; everything else but "ended" cannot happen and must not spin */
	while (poll(&poller, 1, -1) < 0 && errno == EINTR)
		;
}

void init_main(const struct init_arguments *arguments)
{
	int keep[] = {
		arguments->caller_pidfd, arguments->caller, arguments->helper, arguments->record, arguments->directory,
	};
	struct report report = { 0 };
	int with_caller[] = { arguments->caller_pidfd, arguments->caller, arguments->record };
	int login_only[] = { arguments->caller_pidfd, arguments->record };

	close_all_but(keep, ELEMENTS(keep));
	(void)prctl(PR_SET_NAME, "nsisolate-init", 0, 0, 0);
	/* orphans of the session become our children: wait(2), an ignored SIGCHLD makes the kernel reap them */
	(void)signal(SIGCHLD, SIG_IGN);
	if (prctl(PR_SET_DUMPABLE, 1, 0, 0, 0) < 0 || prepare(arguments, &report) < 0)
		_exit(1);
	/* nothing of the host may be held once somebody can come in */
	close_all_but(with_caller, ELEMENTS(with_caller));
	if (send_report(arguments, &report) < 0 || report.error < 0)
		_exit(1);
	if (wait_for_caller(arguments) < 0 || seal() < 0)
		_exit(1);
	close_all_but(login_only, ELEMENTS(login_only));
	wait_for_end(arguments->caller_pidfd);
	_exit(0);
}
