/* SPDX-License-Identifier: BSD-3-Clause OR GPL-2.0-or-later */
#pragma once

/* One request to the session helper, and its answer. For the login process: libc only, every wait bounded. */

#include "session/helper_process.h"
#include "session/request.h"

#define CLIENT_TIMEOUT_MS 30000

/* Replaces *ret_text by "step STEP: OBJECT: REASON", malloced; NULL when memory ran out. */
void say_step(char **ret_text, const char *step, const char *object, int error);

/*
 * Starts the helper; *ret_own becomes the request with what is about this process filled in. 0, then helper_finish() is
 * due; or -errno with *ret_text, then nothing has changed.
 */
int helper_begin(const struct session_request *request, const char *helper, struct session_request *ret_own,
		 struct helper *ret, char **ret_text) _must_check_;
void helper_finish(struct session_request *own, struct helper *process);

/* Sends the request and waits at most CLIENT_TIMEOUT_MS. 0, *reply borrowing from *message; or -errno with *ret_text.
 */
int helper_ask(const struct helper *process, const struct session_request *request, const char *helper,
	       struct message *message, struct session_reply *reply, char **ret_text) _must_check_;

/*
 * What a stack's first line asks: the limits of the login's policy, none where it gets no session; *ret_enforced: not
 * in mode audit. 0, or -errno when the helper did not say.
 */
int session_limits(const struct session_request *request, const char *helper, struct limits *ret,
		   bool *ret_enforced) _must_check_;
