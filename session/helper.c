/* SPDX-License-Identifier: BSD-3-Clause OR GPL-2.0-or-later */

/*
 * nsisolate-session, the session helper. The PAM module starts it in the
 * login process's namespaces with an empty environment, a SOCK_SEQPACKET
 * socket as descriptor 3, and nothing else. It
 *
 *   1. makes itself independent of whoever called the login program,
 *   2. reads the policy files that the module opened, and decides,
 *   3. makes the plan, and the session's init by one clone3(2), which runs it,
 *   4. writes the session's record, answers the module, and exits; under user_map.h a child stays, janitor.h.
 *
 * The init lives on in the session (init.c) and is nobody's child: the login
 * program sees no stray SIGCHLD. Until the module's own setns(2) nothing has
 * happened to the login process, so every failure up to there leaves it as it was.
 */

#include "session/detach.h"
#include "session/helper_process.h"
#include "session/janitor.h"
#include "session/open.h"
#include "session/request.h"

#include <malloc.h>
#include <string.h>

/* Time for the module to hand over the request: it is already there, or the module died. */
#define REQUEST_TIMEOUT_MS 10000

#define HEAP_SIZE          (512 * 1024)

static int send_reply(const struct session_reply *reply)
{
	_cleanup_(message_release) struct message message = { 0 };

	reply_encode(reply, &message);
	return message_send(PROTOCOL_HELPER_FD, &message, &reply->init_pidfd, reply->outcome == OUTCOME_OPENED);
}

static int refuse_request(const char *step, int error, const char *version)
{
	char text[256];

	if (error == -EPROTO)
		snprintf(text, sizeof(text),
			 "step request: this helper is \"" PROTOCOL_VERSION "\" and the module is \"%.64s\": "
			 "install both from one version",
			 version);
	else
		snprintf(text, sizeof(text), "step %s: %s", step, strerror(-error));
	return send_reply(&(struct session_reply){ .outcome = OUTCOME_FAILED, .text = text, .init_pidfd = -1 });
}

int main(void)
{
	_cleanup_(message_release) struct message message = { 0 };
	struct session_request request;
	struct open_result result;
	const char *version = "";
	int *fds = calloc(PROTOCOL_FDS_MAX, sizeof(*fds));
	size_t fd_count = PROTOCOL_FDS_MAX;
	int detached, r;

	if (!fds)
		return 1;
	signals_let_in();
	detached = detach_from_caller();
	/* once there is no limit any more: one brk(2) has memory for all, and the init gives back what is left */
	(void)mallopt(M_TOP_PAD, HEAP_SIZE);
	(void)mallopt(M_TRIM_THRESHOLD, 2 * HEAP_SIZE);
	r = message_receive(PROTOCOL_HELPER_FD, REQUEST_TIMEOUT_MS, &message, fds, &fd_count);
	if (r < 0)
		return 1;
	r = request_decode(&message, fds, fd_count, &request, &version);
	free(fds);
	if (r < 0)
		return refuse_request("request", r, version) < 0;
	/* told only now: an answer is lost when its sender ends with the request unread, unix(7) */
	if (detached < 0)
		return refuse_request("detach", detached, version) < 0;
	session_open_from_request(&request, &result);
	r = send_reply(&result.reply);
	if (r == 0)
		janitor_start(&request, &result.reply);
	open_result_release(&result, r == 0);
	request_release(&request);
	return r < 0;
}
