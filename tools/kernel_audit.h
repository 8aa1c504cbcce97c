/* SPDX-License-Identifier: BSD-3-Clause OR GPL-2.0-or-later */
#pragma once

/*
 * Records of the kernel's audit, auditd(8), of what the tools do to sessions: where it was built in
 * (kernel_audit_libaudit.c, else kernel_audit_none.c). Those of logins are PAM's own. A kernel that nobody has told to
 * audit takes them and forgets them.
 */

#include <stdbool.h>

struct kernel_audit {
	int fd; /* -1: none */
};

/* One record, of type TRUSTED_APP. What is NULL is left out; the rest may be anything: it is encoded. */
struct audit_event {
	const char *op;      /* plain words of ours */
	const char *user;    /* whose session it is */
	const char *session; /* id */
	const char *policy;
	const char *as; /* whom the command runs as */
	const char *command;
	bool failed; /* it was refused */
};

/* While it is open it does not matter in which namespaces the process is, user namespaces apart. */
struct kernel_audit kernel_audit_open(void);

/* 0, or -errno: there is no record. Without an audit in this kernel there is nothing to do. */
int kernel_audit_send(const struct kernel_audit *audit, const struct audit_event *event);

void kernel_audit_close(struct kernel_audit *audit);
