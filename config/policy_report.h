/* SPDX-License-Identifier: BSD-3-Clause OR GPL-2.0-or-later */
#pragma once

/* Where a finding about an effective policy is reported: at the line that gave the key, or for the file that decides.
 */

#include "config/diagnostics.h"
#include "config/keys.h"
#include "config/policy.h"

/* The file of the origin, or where that is a default the one that decides; the policy's, never NULL. */
const char *policy_origin_file(const struct policy *policy, const struct origin *origin);

/* Appends one about what came from there, as diagnostics_add() does. */
void policy_report_at(const struct policy *policy, const struct origin *origin, enum severity severity,
		      struct diagnostics *diag, const char *format, ...) _printf_(5, 6);

/* The same about a key. */
#define policy_report(policy, key, severity, diag, ...) \
	policy_report_at(policy, &(policy)->origins[key], severity, diag, __VA_ARGS__)
