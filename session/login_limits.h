/* SPDX-License-Identifier: BSD-3-Clause OR GPL-2.0-or-later */
#pragma once

#include "config/policy.h"
#include "session/request.h"

/*
 * Whether the login process, whose control groups the helper is in, is held to the limits of the policy. 0; -EINVAL
 * with *ret_problem, a malloced sentence with the remedy, when it is not; -errno. In mode audit, where nothing was
 * handed over, only whether it could have been.
 */
int login_limits_check(const struct session_request *request, const struct policy *policy,
		       char **ret_problem) _must_check_;
