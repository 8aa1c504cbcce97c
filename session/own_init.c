/* SPDX-License-Identifier: BSD-3-Clause OR GPL-2.0-or-later */
#include "session/own_init.h"

#include "session/apply.h"
#include "session/owner_stat.h"
#include "session/protocol.h"
#include "session/report.h"
#include "session/seal.h"

#include <signal.h>
#include <sys/prctl.h>
#include <sys/stat.h>

static int questions_of_init = -1;

static int ask_owner(int fd, uid_t *ret)
{
	_cleanup_(message_release) struct message question = { 0 }, answer = { 0 };
	struct message_reader reader;
	size_t no_fds = 0;
	int r;

	message_put(&question, "owner");
	r = message_send(questions_of_init, &question, &fd, 1);
	if (r == 0)
		r = message_receive(questions_of_init, OWN_START_MS, &answer, NULL, &no_fds);
	if (r < 0)
		return r;
	reader = message_read(&answer);
	*ret = (uid_t)message_get_number(&reader, UINT32_MAX);
	return reader.error;
}

static int do_steps(const struct plan *plan, int maker)
{
	_cleanup_(message_release) struct message message = { 0 };
	struct report report = { .object = "" };
	const struct step *failed = NULL;
	const char *object = NULL;
	int r;

	report.error = apply_init_steps(plan, -1, &failed, &object);
	if (report.error < 0) {
		report.step = step_name(failed->kind);
		report.object = object ? object : "";
	}
	report_encode(&report, &message);
	r = message_send(maker, &message, NULL, 0);
	return r < 0 ? r : report.error;
}

void own_init(const struct plan *plan, int questions, int maker)
{
	_cleanup_(message_release) struct message message = { 0 };
	size_t no_fds = 0;

	/* orphans of the session become our children: wait(2), an ignored SIGCHLD makes the kernel reap them */
	(void)signal(SIGCHLD, SIG_IGN);
	(void)umask(022);
	/* away from the caller's terminal and its signals; the caller's end is ours. Had it ended before, the maker
	 * would have, too, and not tell us that it is in */
	if (setsid() < 0 || prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0) < 0)
		_exit(1);
	(void)prctl(PR_SET_NAME, "nsrun-init", 0, 0, 0);
	questions_of_init = questions;
	owner_stat_ask(ask_owner);
	if (do_steps(plan, maker) < 0 || message_receive(maker, OWN_START_MS, &message, NULL, &no_fds) < 0 ||
	    chdir("/") < 0 || seal_capabilities() < 0 || seal_memory() < 0 || close_range(0, ~0U, 0) < 0)
		_exit(1);
	for (;;)
		(void)pause();
}
