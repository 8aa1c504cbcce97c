/* SPDX-License-Identifier: BSD-3-Clause OR GPL-2.0-or-later */

/* Everything that an audit can find. nsinspect(1) has the same table. */

#include "tools/audit_findings.h"

const struct finding_kind finding_kinds[FINDING_CODES] = {
	[FINDING_OUTSIDE] = {
		.code = "NSI001",
		.name = "process-outside",
		.severity = AUDIT_CRITICAL,
		.remedy = "end it, and enable the module where it came from: nsisolate-pam status",
	},
	[FINDING_ELSEWHERE] = {
		.code = "NSI002",
		.name = "process-elsewhere",
		.severity = AUDIT_WARNING,
		.remedy = "find out who made its namespaces, a container engine or a session that has ended; end it",
	},
	[FINDING_ENTERED] = {
		.code = "NSI003",
		.name = "process-entered",
		.severity = AUDIT_WARNING,
		.remedy = "nothing, if an administrator looks around in there by nsenter; else end it, and find out who did",
	},
	[FINDING_NAMESPACES] = {
		.code = "NSI010",
		.name = "namespaces-changed",
		.severity = AUDIT_CRITICAL,
		.remedy = "look at nsinspect show; end the session, for nobody knows what holds in it",
	},
	[FINDING_MOUNT] = {
		.code = "NSI011",
		.name = "mount-changed",
		.severity = AUDIT_CRITICAL,
		.remedy = "find out who mounts in there: root inside, or the host by nsenter; end the session",
	},
	[FINDING_LOOPBACK] = {
		.code = "NSI012",
		.name = "loopback-down",
		.severity = AUDIT_WARNING,
		.remedy = "find out who took it down: only root inside, or the host, can; a new login has it up",
	},
	[FINDING_HOSTNAME] = {
		.code = "NSI013",
		.name = "hostname-changed",
		.severity = AUDIT_WARNING,
		.remedy = "only root inside, or the host, can do that; after the host itself was renamed, log in anew",
	},
	[FINDING_POLICY_CHANGED] = {
		.code = "NSI020",
		.name = "policy-changed",
		.severity = AUDIT_WARNING,
		.remedy = "the session keeps what it has: end it, so that a new login gets the new policy",
	},
	[FINDING_AUDIT_MODE] = {
		.code = "NSI021",
		.name = "mode-audit",
		.severity = AUDIT_INFO,
		.remedy = "when the log shows no refusals, set mode = \"enforce\"",
	},
	[FINDING_LINGERING] = {
		.code = "NSI022",
		.name = "lingering",
		.severity = AUDIT_INFO,
		.remedy = "on-logout = \"wait\" means it: nothing; or end the processes that nsinspect ps shows",
	},
	[FINDING_CLOSING] = {
		.code = "NSI023",
		.name = "processes-left",
		.severity = AUDIT_WARNING,
		.remedy = "see what keeps it from ending: nsinspect ps; a process in state D waits for a device",
	},
	[FINDING_RECORD_LEFT] = {
		.code = "NSI030",
		.name = "record-left",
		.severity = AUDIT_INFO,
		.remedy = "nothing: later logins remove it",
	},
	[FINDING_RECORD_MISSING] = {
		.code = "NSI031",
		.name = "record-missing",
		.severity = AUDIT_CRITICAL,
		.remedy = "find out who removed the record; end the session by ending that process",
	},
	[FINDING_RECORD_INVALID] = {
		.code = "NSI032",
		.name = "record-invalid",
		.severity = AUDIT_WARNING,
		.remedy = "find out who wrote the file; remove it when no session is alive that it is of",
	},
};

const char *audit_severity_name(enum audit_severity severity)
{
	static const char *const names[] = {
		[AUDIT_INFO] = "info",
		[AUDIT_WARNING] = "warning",
		[AUDIT_CRITICAL] = "critical",
	};

	return names[severity];
}
