/* SPDX-License-Identifier: BSD-3-Clause OR GPL-2.0-or-later */
#include "tools/session_pin.h"

#include <string.h>
#include <sys/pidfd.h>

static const char *reason_against(const struct session *session, enum exit_status *ret_status)
{
	*ret_status = EXIT_FINDINGS;
	if (!session_is_alive(session))
		return SESSION_HAS_ENDED;
	if (session->state == SESSION_WOULD_ISOLATE)
		return "its mode is audit: the login is on the host";
	*ret_status = EXIT_TROUBLE;
	if (!session->view.valid)
		return "its file is no record";
	if (session->view.init_pid <= 1 || session->view.init_pid == getpid())
		return "the kernel does not show its init from here";
	return NULL;
}

const char *session_pin(const struct session *session, int *ret_pidfd, enum exit_status *ret_status)
{
	const char *reason = reason_against(session, ret_status);
	int pidfd;

	if (reason)
		return reason;
	pidfd = pidfd_open(session->view.init_pid, 0);
	if (pidfd < 0) {
		*ret_status = errno == ESRCH ? EXIT_FINDINGS : EXIT_TROUBLE;
		return errno == ESRCH ? SESSION_HAS_ENDED : strerror(errno);
	}
	*ret_pidfd = pidfd;
	return NULL;
}

/* The same session in a later reading: held by the same init, and within the same ones. */
static bool is_same(const struct session *session, const struct session *other)
{
	while (session && other) {
		if (strcmp(session->view.name, other->view.name) != 0 || session->inside != other->inside ||
		    !session_is_alive(other) || session->view.init_pid != other->view.init_pid)
			return false;
		session = session->outer;
		other = other->outer;
	}
	return !session && !other;
}

bool session_is_still_there(const struct sessions *again, const struct session *session)
{
	for (size_t i = 0; i < again->count; i++) {
		if (is_same(session, again->items[i]))
			return true;
	}
	return false;
}
