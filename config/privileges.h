/* SPDX-License-Identifier: BSD-3-Clause OR GPL-2.0-or-later */
#pragma once

/* What a policy's section privileges takes away from its users, beside what it is for. Pure. */

#include "config/diagnostics.h"
#include "config/policy.h"

/* Warns of programs, and of logins from inside a session, that fail under the policy, and of what makes it pointless.
 */
void privileges_advise(const struct policy *policy, struct diagnostics *diag);
