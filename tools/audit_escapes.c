/* SPDX-License-Identifier: BSD-3-Clause OR GPL-2.0-or-later */

/* What leads out of a session, whatever its policy says. */

#include "tools/audit.h"

#include <sys/stat.h>

#define VSOCK "/dev/vsock"

static int judge_setting(const struct audit *audit, const char *name, uint64_t bad, enum finding_code code,
			 struct findings *findings)
{
	const struct subject subject = { .text = name };
	uint64_t value;

	if (!audit_sysctl_read(audit->sysctl_directory, name, &value) || value != bad)
		return 0;
	return findings_add(findings, code, &subject, "it is %ju", (uintmax_t)value);
}

/* A setting since Linux 6.2. Before, it is always allowed. */
static int judge_tiocsti(const struct audit *audit, struct findings *findings)
{
	const char *name = "dev/tty/legacy_tiocsti";
	const struct subject subject = { .text = name };
	uint64_t value;

	if (audit_sysctl_read(audit->sysctl_directory, name, &value))
		return judge_setting(audit, name, 1, FINDING_TIOCSTI, findings);
	return findings_add(findings, FINDING_TIOCSTI, &subject,
			    "this kernel has no such setting, and always allows it");
}

static int judge_vsock(struct findings *findings)
{
	const struct subject subject = { .text = VSOCK };
	struct stat status;

	if (stat(VSOCK, &status) < 0 || !S_ISCHR(status.st_mode) || !(status.st_mode & (S_IROTH | S_IWOTH)))
		return 0;
	return findings_add(findings, FINDING_VSOCK, &subject, "its mode is %04o", (unsigned)status.st_mode & 07777);
}

int audit_escapes(struct audit *audit, struct findings *findings)
{
	int r;

	if (!audit_reach_has(&audit->reach, NULL))
		return 0;
	r = judge_tiocsti(audit, findings);
	if (r == 0)
		r = judge_setting(audit, "kernel/yama/ptrace_scope", 0, FINDING_PTRACE, findings);
	return r == 0 ? judge_vsock(findings) : r;
}
