/* SPDX-License-Identifier: BSD-3-Clause OR GPL-2.0-or-later */
#pragma once

/* The record of a session, or of a login that joined one, from what the helper knows of it. */

#include "config/policy.h"
#include "session/network.h"
#include "session/request.h"

/*
 * Writes the record of the caller's login: the reply has id, login, mode and namespaces by now.
 * network: of the session that the login opens, or NULL. init: of the session, in the helper's PID namespace. 0 or
 * -errno.
 */
int session_record_write(const struct session_request *request, const struct policy *policy,
			 const struct session_reply *reply, const struct network *network, pid_t init,
			 int file) _must_check_;

/*
 * A hash of what beside its user and policy decides what a session of this caller's is: the primary group, what %g and
 * %h stand for, and the namespaces that it is made in. 0 or -errno.
 */
int session_setting(const struct session_request *request, uint64_t *ret) _must_check_;

/* Inode number of the helper's PID namespace, which is the caller's. 0 or -errno. */
int outer_pid_namespace(uint64_t *ret) _must_check_;
