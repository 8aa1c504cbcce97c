/* SPDX-License-Identifier: BSD-3-Clause OR GPL-2.0-or-later */
#pragma once

/* What a policy says and can be done, but does not serve the logins that it is for: warnings of a lint. Pure. */

#include "common/cleanup.h"
#include "config/diagnostics.h"
#include "config/policy.h"

/* `service`: the one that the policy was made for, or NULL for all those that its files do not name. */
void policy_advise(const struct policy *policy, const char *service, struct diagnostics *diag);
