/* SPDX-License-Identifier: BSD-3-Clause OR GPL-2.0-or-later */
#pragma once

#include "session/launch.h"
#include "session/network.h"
#include "session/request.h"

/* A reply and what its strings and descriptor belong to. */
struct open_result {
	uid_t uid;
	struct session_reply reply;
	char *text;
	struct policy *policy;
	struct network network; /* with network.mode "veth" */
	struct launch launch;   /* with OUTCOME_OPENED: the init waits for the reply to be sent */
};

/*
 * Decides and, where the decision is a session, launches it. Always fills the result: a refusal or
 * failure is an outcome.
 */
void session_open_from_request(const struct session_request *request, struct open_result *ret);

/* sent: the module has the reply. Lets the init go on, or without it takes back what was launched. */
void open_result_release(struct open_result *result, bool sent);
