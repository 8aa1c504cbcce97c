/* SPDX-License-Identifier: BSD-3-Clause OR GPL-2.0-or-later */

/* What leads out of a session, whatever its policy says. */

#include "tools/audit.h"

#include <sys/stat.h>

#define VSOCK "/dev/vsock"

/* `missing`: what is so on a kernel without the setting. */
static int judge_setting(const struct audit *audit, const char *name, uint64_t bad, const char *missing,
			 enum finding_code code, struct findings *findings)
{
	const struct subject subject = { .text = name };
	uint64_t value;

	if (!audit_sysctl_read(audit->sysctl_directory, name, &value))
		return findings_add(findings, code, &subject, "%s", missing);
	return value == bad ? findings_add(findings, code, &subject, "it is %ju", (uintmax_t)value) : 0;
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
	/* a setting since Linux 6.2 */
	r = judge_setting(audit, "dev/tty/legacy_tiocsti", 1, "this kernel has no such setting, and always allows it",
			  FINDING_TIOCSTI, findings);
	if (r == 0)
		r = judge_setting(
			audit, "kernel/yama/ptrace_scope", 0,
			"this kernel has no such setting, and lets processes of the same user trace each other",
			FINDING_PTRACE, findings);
	return r == 0 ? judge_vsock(findings) : r;
}
