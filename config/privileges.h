/* SPDX-License-Identifier: BSD-3-Clause OR GPL-2.0-or-later */
#pragma once

/* What a policy's section privileges takes away from its users, beside what it is for. Pure. */

#include "common/cleanup.h"
#include "config/diagnostics.h"
#include "config/policy.h"

/* Warns of programs, and of logins from inside a session, that fail under the policy, and of what makes it pointless.
 */
void privileges_advise(const struct policy *policy, struct diagnostics *diag);

/*
 * What no process of a session can have, a bit each as of capability.h. Where an interface joins the session's network
 * to another one cap_net_admin is among them whatever the policy says: rtnetlink(7) lets root inside make interfaces at
 * the other end.
 */
uint64_t privileges_dropped(const struct policy *policy) _must_check_;

/* The same as canonical names, sorted; NULL: none; to be freed by text_list_free(). 0 or -ENOMEM. */
int privileges_dropped_names(const struct policy *policy, char ***ret) _must_check_;
