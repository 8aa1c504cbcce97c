/* SPDX-License-Identifier: BSD-3-Clause OR GPL-2.0-or-later */
#pragma once

/* What the policies say now of recorded logins: asked once for all that are alike, within one look. */

#include "session/record.h"
#include "tools/audit_services.h"
#include "tools/verdict.h"

struct audit_verdicts {
	struct audit_verdict **items; /* sorted */
	size_t count;
	struct verdict_place live; /* the live policy directory, once one was found there */
	bool has_live;
};

/*
 * *ret belongs to the list. The record must outlive that. 0; -ENOMEM; or, without *ret, what verdict_find() says
 * of such a login.
 */
int audit_verdicts_find(struct audit_verdicts *verdicts, const struct audit_services *services,
			const struct record *record, const struct verdict **ret) _must_check_;
void audit_verdicts_release(struct audit_verdicts *verdicts);
