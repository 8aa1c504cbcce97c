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
	[FINDING_PROPAGATION] = {
		.code = "NSI014",
		.name = "propagation-changed",
		.severity = AUDIT_CRITICAL,
		.remedy = "only the host can do that: find out who did, and end the session: nsinspect kill ID",
	},
	[FINDING_LIMITS] = {
		.code = "NSI015",
		.name = "limits-changed",
		.severity = AUDIT_CRITICAL,
		.remedy = "find out who did: only root, inside or on the host, can; systemctl set-property --runtime SCOPE sets "
			  "it back, a new login has it again",
	},
	[FINDING_SLIRP] = {
		.code = "NSI016",
		.name = "slirp-ended",
		.severity = AUDIT_WARNING,
		.remedy = "find out who or what ended it, the kernel for want of memory perhaps; a new login has a new one",
	},
	[FINDING_INTERFACE] = {
		.code = "NSI018",
		.name = "interface-changed",
		.severity = AUDIT_WARNING,
		.remedy = "only root inside, or the host, can do that; end the session: a new login has an interface of its own",
	},
	[FINDING_NETWORK] = {
		.code = "NSI017",
		.name = "network-changed",
		.severity = AUDIT_WARNING,
		.remedy = "find out who removed or replaced it; end the session, so that a new login has what is there now",
	},
	[FINDING_PRIVILEGES] = {
		.code = "NSI019",
		.name = "privileges-kept",
		.severity = AUDIT_CRITICAL,
		.remedy = "the kernel gives nothing back: this is no process that logged in; end the session",
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
		.remedy = "none needed, on-logout = \"wait\" means it; to end them: nsinspect kill SESSION",
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
	[FINDING_KEPT] = {
		.code = "NSI033",
		.name = "namespace-kept",
		.severity = AUDIT_WARNING,
		.remedy = "unmount it, or end the process that holds it: it keeps the namespace alive after the session",
	},
	[FINDING_PAM_NONE] = {
		.code = "NSI040",
		.name = "pam-none",
		.severity = AUDIT_CRITICAL,
		.remedy = "nsisolate-pam enable SERVICE",
	},
	[FINDING_PAM_ABSENT] = {
		.code = "NSI041",
		.name = "pam-service-without",
		.severity = AUDIT_WARNING,
		.remedy = "nsisolate-pam enable SERVICE",
	},
	[FINDING_PAM_CLOSE_CONTROL] = {
		.code = "NSI042",
		.name = "pam-close-passes",
		.severity = AUDIT_WARNING,
		.remedy = "write 'required'",
	},
	[FINDING_PAM_ODD_LINE] = {
		.code = "NSI043",
		.name = "pam-odd-line",
		.severity = AUDIT_WARNING,
		.remedy = "mend the line: nsisolate-pam status says where, nsisolate-pam(8) how",
	},
	[FINDING_PAM_INCLUDE] = {
		.code = "NSI050",
		.name = "pam-include",
		.severity = AUDIT_CRITICAL,
		.remedy = "mend the line: nsisolate-pam status says where, nsisolate-pam(8) how",
	},
	[FINDING_PAM_LOOP] = {
		.code = "NSI051",
		.name = "pam-include-loop",
		.severity = AUDIT_CRITICAL,
		.remedy = "mend the line: nsisolate-pam status says where, nsisolate-pam(8) how",
	},
	[FINDING_PAM_SYNTAX] = {
		.code = "NSI052",
		.name = "pam-syntax",
		.severity = AUDIT_CRITICAL,
		.remedy = "mend the line: nsisolate-pam status says where, nsisolate-pam(8) how",
	},
	[FINDING_PAM_UNFINISHED] = {
		.code = "NSI053",
		.name = "pam-unfinished-line",
		.severity = AUDIT_CRITICAL,
		.remedy = "mend the line: nsisolate-pam status says where, nsisolate-pam(8) how",
	},
	[FINDING_PAM_AMBIGUOUS] = {
		.code = "NSI054",
		.name = "pam-ambiguous-line",
		.severity = AUDIT_CRITICAL,
		.remedy = "mend the line: nsisolate-pam status says where, nsisolate-pam(8) how",
	},
	[FINDING_PAM_CARRIAGE] = {
		.code = "NSI055",
		.name = "pam-carriage-return",
		.severity = AUDIT_WARNING,
		.remedy = "mend the line: nsisolate-pam status says where, nsisolate-pam(8) how",
	},
	[FINDING_PAM_NO_OPEN] = {
		.code = "NSI056",
		.name = "pam-no-open",
		.severity = AUDIT_CRITICAL,
		.remedy = "nsisolate-pam enable SERVICE",
	},
	[FINDING_PAM_NO_CLOSE] = {
		.code = "NSI057",
		.name = "pam-no-close",
		.severity = AUDIT_WARNING,
		.remedy = "nsisolate-pam enable SERVICE",
	},
	[FINDING_PAM_NO_ROLE] = {
		.code = "NSI058",
		.name = "pam-no-role",
		.severity = AUDIT_CRITICAL,
		.remedy = "mend the line: nsisolate-pam status says where, nsisolate-pam(8) how",
	},
	[FINDING_PAM_OPEN_NOT_LAST] = {
		.code = "NSI059",
		.name = "pam-open-not-last",
		.severity = AUDIT_WARNING,
		.remedy = "move the line behind all others: nsisolate-pam disable SERVICE, then enable",
	},
	[FINDING_PAM_CLOSE_NOT_FIRST] = {
		.code = "NSI060",
		.name = "pam-close-not-first",
		.severity = AUDIT_WARNING,
		.remedy = "move the line before all others: nsisolate-pam disable SERVICE, then enable",
	},
	[FINDING_PAM_CONTROL] = {
		.code = "NSI061",
		.name = "pam-refusal-passes",
		.severity = AUDIT_CRITICAL,
		.remedy = "write 'required'",
	},
	[FINDING_PAM_SKIPPED] = {
		.code = "NSI062",
		.name = "pam-can-be-skipped",
		.severity = AUDIT_CRITICAL,
		.remedy = "move or mend the line that jumps or ends the stack",
	},
	[FINDING_PAM_SILENT] = {
		.code = "NSI063",
		.name = "pam-silent",
		.severity = AUDIT_INFO,
		.remedy = "mend the line: nsisolate-pam status says where, nsisolate-pam(8) how",
	},
	[FINDING_PAM_TWICE] = {
		.code = "NSI064",
		.name = "pam-listed-twice",
		.severity = AUDIT_WARNING,
		.remedy = "mend the line: nsisolate-pam status says where, nsisolate-pam(8) how",
	},
	[FINDING_PAM_MISSPELT] = {
		.code = "NSI065",
		.name = "pam-misspelt-module",
		.severity = AUDIT_CRITICAL,
		.remedy = "mend the line: nsisolate-pam status says where, nsisolate-pam(8) how",
	},
	[FINDING_PAM_ARGUMENT] = {
		.code = "NSI066",
		.name = "pam-bad-argument",
		.severity = AUDIT_CRITICAL,
		.remedy = "mend the line: nsisolate-pam status says where, nsisolate-pam(8) how",
	},
	[FINDING_PAM_NAMESPACE] = {
		.code = "NSI067",
		.name = "pam-namespace",
		.severity = AUDIT_WARNING,
		.remedy = "leave private directories to one of both modules",
	},
	[FINDING_PAM_DAMAGED] = {
		.code = "NSI068",
		.name = "pam-damaged-block",
		.severity = AUDIT_WARNING,
		.remedy = "mend the line: nsisolate-pam status says where, nsisolate-pam(8) how",
	},
	[FINDING_PAM_MISSING] = {
		.code = "NSI069",
		.name = "pam-missing-module",
		.severity = AUDIT_CRITICAL,
		.remedy = "mend the line: nsisolate-pam status says where, nsisolate-pam(8) how",
	},
	[FINDING_PAM_POLICY] = {
		.code = "NSI070",
		.name = "pam-policy-directory",
		.severity = AUDIT_CRITICAL,
		.remedy = "mend the directory, or policy= of the line",
	},
	[FINDING_PAM_GROUP] = {
		.code = "NSI071",
		.name = "pam-unknown-group",
		.severity = AUDIT_CRITICAL,
		.remedy = "mend the name in exempt=, or make the group",
	},
	[FINDING_SSHD_USEPAM] = {
		.code = "NSI072",
		.name = "sshd-usepam",
		.severity = AUDIT_CRITICAL,
		.remedy = "set UsePAM yes in sshd_config",
	},
	[FINDING_SSHD_USEDNS] = {
		.code = "NSI073",
		.name = "sshd-usedns",
		.severity = AUDIT_WARNING,
		.remedy = "set UseDNS no in sshd_config",
	},
	[FINDING_SSHD_UNKNOWN] = {
		.code = "NSI074",
		.name = "sshd-not-asked",
		.severity = AUDIT_INFO,
		.remedy = "run sshd -T",
	},
	[FINDING_POLICY_BROKEN] = {
		.code = "NSI080",
		.name = "policy-broken",
		.severity = AUDIT_WARNING,
		.remedy = "nsinspect check says all that is wrong",
	},
	[FINDING_UNSAFE] = {
		.code = "NSI081",
		.name = "unsafe-file",
		.severity = AUDIT_CRITICAL,
		.remedy = "chown root:root, chmod go-w; then find out what was changed",
	},
	[FINDING_ENGINE] = {
		.code = "NSI090",
		.name = "engine-reachable",
		.severity = AUDIT_CRITICAL,
		.remedy = "take the user out of the socket's group, for whoever reaches a container engine is root; "
			  "mount { hide-engines = true } and a new login hide it",
	},
	[FINDING_USER_MANAGER] = {
		.code = "NSI091",
		.name = "user-manager",
		.severity = AUDIT_CRITICAL,
		.remedy = "enable the module in systemd-user; loginctl terminate-user USER",
	},
	[FINDING_TIOCSTI] = {
		.code = "NSI092",
		.name = "tiocsti",
		.severity = AUDIT_WARNING,
		.remedy = "sysctl dev.tty.legacy_tiocsti=0, by Linux 6.2 or newer; before, go to users by 'su --pty' or "
			  "nsrun, which give a terminal of its own",
	},
	[FINDING_VSOCK] = {
		.code = "NSI093",
		.name = "vsock",
		.severity = AUDIT_INFO,
		.remedy = "keep the modules vsock and its transports from loading, where nothing needs them",
	},
	[FINDING_PTRACE] = {
		.code = "NSI094",
		.name = "ptrace",
		.severity = AUDIT_INFO,
		.remedy = "sysctl kernel.yama.ptrace_scope=1; where there is no such setting, boot with yama in lsm= of the "
			  "kernel's command line",
	},
	[FINDING_LIMIT] = {
		.code = "NSI100",
		.name = "limit-near",
		.severity = AUDIT_WARNING,
		.remedy = "raise the limit, or end sessions: at the limit logins are refused",
	},
	[FINDING_FIREWALL] = {
		.code = "NSI110",
		.name = "firewall-changed",
		.severity = AUDIT_CRITICAL,
		.remedy = "nsisolate-network restore: until then the sessions under them reach what they like",
	},
	[FINDING_FORWARDING] = {
		.code = "NSI111",
		.name = "forwarding-off",
		.severity = AUDIT_WARNING,
		.remedy = "set the sysctl that is named, and write it to a file of sysctl.d(5): until then logins are refused",
	},
	[FINDING_INTERFACE_LEFT] = {
		.code = "NSI112",
		.name = "interface-left",
		.severity = AUDIT_WARNING,
		.remedy = "rename it if it is none of a session's; else find who keeps its namespace, and: ip link delete NAME",
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
