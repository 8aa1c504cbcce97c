/* SPDX-License-Identifier: BSD-3-Clause OR GPL-2.0-or-later */
/* What is said of a login that this host would have refused. */
#include "common/format_list.h"
#include "config/policy_report.h"
#include "tools/lint_private.h"

#include <stdarg.h>

void lint_report_refusal(const struct policy *policy, const struct origin *origin, const char *service,
			 const char *remedy, struct diagnostics *diag, const char *format, ...)
{
	_cleanup_free_ char *reason = NULL;
	va_list arguments;

	va_start(arguments, format);
	reason = format_list(format, arguments);
	va_end(arguments);
	policy_report_at(policy, origin, SEVERITY_WARNING, diag, "%s; every login%s%s would be refused%s%s%s",
			 reason ? reason : "out of memory", service ? " by " : "", service ? service : "",
			 policy->mode == MODE_AUDIT ? " if mode were \"enforce\"" : "", remedy ? ": " : "",
			 remedy ? remedy : "");
}
