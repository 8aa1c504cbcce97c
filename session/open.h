/* SPDX-License-Identifier: BSD-3-Clause OR GPL-2.0-or-later */
#pragma once

#include "session/request.h"

/* A reply and what its strings and descriptor belong to. */
struct open_result {
	struct session_reply reply;
	char *text;
	struct policy *policy;
	int directory; /* of the records; kept until the reply is sent, since a failure must unlink */
};

/*
 * Decides and, where the decision is a session, opens it. Always fills the result: a refusal or
 * failure is an outcome.
 */
void session_open_from_request(const struct session_request *request, struct open_result *ret);

/* sent: the module has the reply. Without it a session that was opened is taken back. */
void open_result_release(struct open_result *result, bool sent);
