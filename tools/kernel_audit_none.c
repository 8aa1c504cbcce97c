/* SPDX-License-Identifier: BSD-3-Clause OR GPL-2.0-or-later */

/* Built without libaudit. */

#include "tools/kernel_audit.h"

struct kernel_audit kernel_audit_open(void)
{
	return (struct kernel_audit){ .fd = -1 };
}

int kernel_audit_send(const struct kernel_audit *audit, const struct audit_event *event)
{
	(void)audit;
	(void)event;
	return 0;
}

void kernel_audit_close(struct kernel_audit *audit)
{
	(void)audit;
}
