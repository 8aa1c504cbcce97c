/* SPDX-License-Identifier: BSD-3-Clause OR GPL-2.0-or-later */
#include "session/janitor.h"

#include "session/join_protocol.h"
#include "session/record_store.h"

#include <fcntl.h>
#include <poll.h>
#include <sched.h>
#include <sys/prctl.h>

enum { INIT_FD, LOGIN_FD, FDS_END };

/* The name of the record that is to go. */
static void name_record(const struct session_reply *reply, char name[RECORD_NAME_MAX + 1])
{
	(void)snprintf(name, RECORD_NAME_MAX + 1, "%s%s%s", reply->id, *reply->login ? "." : "", reply->login);
}

/* By way of numbers that neither has. */
static int keep_only(const int fds[FDS_END])
{
	int above[FDS_END];

	for (int i = 0; i < FDS_END; i++) {
		above[i] = fcntl(fds[i], F_DUPFD_CLOEXEC, FDS_END);
		if (above[i] < 0)
			return -1;
	}
	for (int i = 0; i < FDS_END; i++)
		if (dup3(above[i], i, O_CLOEXEC) < 0)
			return -1;
	return close_range(FDS_END, ~0U, 0);
}

static _Noreturn void wait_and_remove(const struct session_request *request, const struct session_reply *reply)
{
	const int fds[FDS_END] = { reply->init_pidfd, request->caller_pidfd };
	/* a login that joined ends before its session, or with it; one that opened it, whenever */
	const bool joined = *reply->login != '\0';
	struct pollfd pollers[FDS_END] = { { .fd = INIT_FD, .events = POLLIN },
					   { .fd = joined ? LOGIN_FD : -1, .events = POLLIN } };
	char name[RECORD_NAME_MAX + 1];

	if (keep_only(fds) < 0)
		_exit(1);
	(void)prctl(PR_SET_NAME, "nsisolate-end", 0, 0, 0);
	name_record(reply, name);
	/* EINTR: a stop and continue */
	while (poll(pollers, FDS_END, -1) < 0 && errno == EINTR)
		;
	if (reply->shared && !joined)
		join_listener_remove(request->uid, reply->policy_hash, reply->id);
	_exit(record_remove(name) < 0 ? 1 : 0);
}

void janitor_start(const struct session_request *request, const struct session_reply *reply)
{
	if (reply->outcome == OUTCOME_OPENED && (reply->clone_flags & CLONE_NEWUSER) && fork() == 0)
		wait_and_remove(request, reply);
}
