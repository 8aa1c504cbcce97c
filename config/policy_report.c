/* SPDX-License-Identifier: BSD-3-Clause OR GPL-2.0-or-later */
#include "config/policy_report.h"

#include <stdarg.h>

const char *policy_origin_file(const struct policy *policy, const struct origin *origin)
{
	return origin->file ? origin->file : policy->file;
}

void policy_report_at(const struct policy *policy, const struct origin *origin, enum severity severity,
		      struct diagnostics *diag, const char *format, ...)
{
	va_list arguments;

	va_start(arguments, format);
	diagnostics_add_list(diag, severity, policy_origin_file(policy, origin), origin->line, format, arguments);
	va_end(arguments);
}
