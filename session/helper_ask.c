/* SPDX-License-Identifier: BSD-3-Clause OR GPL-2.0-or-later */
#include "session/helper_ask.h"

#include "common/error.h"
#include "session/error_text.h"

#include <sched.h>
#include <string.h>
#include <sys/pidfd.h>
#include <unistd.h>

void say_step(char **ret_text, const char *step, const char *object, int error)
{
	char reason[ERROR_TEXT_SIZE];

	free(*ret_text);
	if (asprintf(ret_text, "step %s: %s%s%s", step, object, *object ? ": " : "",
		     step_error_text(step, error, reason)) < 0)
		*ret_text = NULL;
}

/* unshare(2): CLONE_THREAD is refused with EINVAL in a threaded process and does nothing otherwise. Needs no /proc. */
static bool is_threaded(void)
{
	return unshare(CLONE_THREAD) < 0;
}

static int send_request(int socket, const struct session_request *request)
{
	_cleanup_(message_release) struct message message = { 0 };
	_cleanup_free_ int *fds = calloc(PROTOCOL_FDS_MAX, sizeof(*fds));
	size_t fd_count;
	int r;

	if (!fds)
		return -ENOMEM;
	r = request_encode(request, &message, fds, &fd_count);
	return r < 0 ? r : message_send(socket, &message, fds, fd_count);
}

static int receive_reply(const struct helper *process, struct message *message, struct session_reply *reply,
			 const char *helper, char **ret_text)
{
	const char *version = "";
	int fd = -1, length = 0;
	size_t fd_count = 1;
	int r = helper_receive(process, CLIENT_TIMEOUT_MS, message, &fd, &fd_count);

	if (r == 0)
		r = reply_decode(message, &fd, fd_count, reply, &version);
	if (r == -EPROTO)
		length = asprintf(ret_text,
				  "step helper: %s is \"%.64s\" and this module is \"" PROTOCOL_VERSION "\": "
				  "install both from one version",
				  helper, version);
	else if (r == -ECONNRESET)
		length = asprintf(ret_text, "step helper: %s ended without an answer", helper);
	else if (r < 0)
		say_step(ret_text, "helper", helper, r);
	if (length < 0)
		*ret_text = NULL;
	return r;
}

int helper_begin(const struct session_request *request, const char *helper, struct session_request *ret_own,
		 struct helper *ret, char **ret_text)
{
	const pid_t caller = getpid();
	/* before there is a helper: for a moment after it is another program it still counts as in our memory,
	 * execve(2) */
	const bool threaded = is_threaded();
	_cleanup_close_ int self = pidfd_open(caller, 0);
	int r;

	if (self < 0) {
		r = negative_errno();
		say_step(ret_text, "request", "pidfd_open", r);
		return r;
	}
	r = helper_start(helper, ret);
	if (r < 0) {
		say_step(ret_text, "helper", helper, r);
		return r;
	}
	*ret_own = *request;
	ret_own->caller = caller;
	ret_own->caller_pidfd = TAKE_FD(self);
	ret_own->flags |= threaded ? REQUEST_THREADED : 0;
	return 0;
}

void helper_finish(struct session_request *own, struct helper *process)
{
	own->caller_pidfd = close_fd(own->caller_pidfd);
	helper_end(process);
}

int helper_ask(const struct helper *process, const struct session_request *request, const char *helper,
	       struct message *message, struct session_reply *reply, char **ret_text)
{
	int r = send_request(process->socket, request);

	/* EPIPE: it has ended, and what it said before that says why */
	if (r < 0 && r != -EPIPE) {
		say_step(ret_text, "request", helper, r);
		return r;
	}
	return receive_reply(process, message, reply, helper, ret_text);
}

int session_limits(const struct session_request *request, const char *helper, struct limits *ret, bool *ret_enforced)
{
	_cleanup_(message_release) struct message message = { 0 };
	_cleanup_free_ char *text = NULL;
	struct session_request asked = *request, own;
	struct session_reply reply = { .outcome = OUTCOME_FAILED };
	struct helper process;
	int r;

	asked.flags |= REQUEST_LIMITS;
	r = helper_begin(&asked, helper, &own, &process, &text);
	if (r < 0)
		return r;
	r = helper_ask(&process, &own, helper, &message, &reply, &text);
	helper_finish(&own, &process);
	if (r < 0 || reply.outcome == OUTCOME_FAILED)
		return r < 0 ? r : -EIO;
	/* with any other answer the login gets no session, or is refused: what it would be held to is nobody's matter
	 */
	*ret = reply.limits;
	*ret_enforced = reply.enforced;
	return 0;
}
