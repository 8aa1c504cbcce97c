/* SPDX-License-Identifier: BSD-3-Clause OR GPL-2.0-or-later */
#pragma once

/* Which services the policies of this host isolate anybody under. */

#include "common/cleanup.h"
#include "config/diagnostics.h"

#include <stdbool.h>
#include <stddef.h>

/* What one file makes of logins. */
struct reach_file {
	bool others; /* isolates under services that it does not name */
	char **isolated;
	char **passed;
};

struct audit_reach {
	struct reach_file *files;
	size_t count;
	bool incomplete; /* memory ran out */
};

/*
 * Reads every policy of the live directory. 0 with what is wrong in *ret_diag; or -errno with *ret_problem when there
 * is no directory that can be read.
 */
int audit_reach_read(struct audit_reach *ret, struct diagnostics *ret_diag, char **ret_problem) _must_check_;
void audit_reach_release(struct audit_reach *reach);

/* service: NULL for any. */
bool audit_reach_has(const struct audit_reach *reach, const char *service);
