/* SPDX-License-Identifier: BSD-3-Clause OR GPL-2.0-or-later */
#include "tools/pam_limits.h"

const char *pam_limits_lack(const struct pam_stack *stack, const struct pam_verdict *verdict)
{
	const struct pam_entry *end = stack->entries + stack->count;
	bool there = false;

	if (!verdict->close)
		return "has no line 'close' of " PAM_MODULE_NAME;
	for (const struct pam_entry *entry = stack->entries; entry < end; entry++) {
		if (!pam_entry_is_module(entry, PAM_SYSTEMD_NAME))
			continue;
		if (entry > verdict->close && entry < verdict->open)
			return NULL;
		there = true;
	}
	return there ? "has " PAM_SYSTEMD_NAME ", but not between the lines 'close' and 'open' of " PAM_MODULE_NAME
		     : "has no " PAM_SYSTEMD_NAME;
}
