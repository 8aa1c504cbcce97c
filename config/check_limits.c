/* SPDX-License-Identifier: BSD-3-Clause OR GPL-2.0-or-later */
#include "config/check_limits.h"

#include "config/policy_report.h"

/* What a login needs before the user has done anything: sshd, the session's init, a shell. */
#define MEMORY_LEAST (UINT64_C(16) << 20)
#define TASKS_LEAST  16

static void warn(const struct policy *policy, enum policy_key key, const char *text, struct diagnostics *diag)
{
	policy_report(policy, key, SEVERITY_WARNING, diag, "%s: %s", policy_keys[key].name, text);
}

void check_limits(const struct policy *policy, struct diagnostics *diag)
{
	const struct limits *limits = &policy->limits;

	if (limits->memory > 0 && limits->memory < MEMORY_LEAST)
		warn(policy, KEY_LIMITS_MEMORY, "less than 16m is used up by the login itself, which then ends", diag);
	if (limits->tasks > 0 && limits->tasks < TASKS_LEAST)
		warn(policy, KEY_LIMITS_TASKS, "less than 16 are used up by the login itself, which is then refused",
		     diag);
	if (policy->user_manager == USER_MANAGER_ALLOW && (limits->memory > 0 || limits->tasks > 0))
		warn(policy, KEY_USER_MANAGER,
		     "'allow' with limits: what the user has the manager start is in none of the control groups that "
		     "they are about",
		     diag);
}
