/* SPDX-License-Identifier: BSD-3-Clause OR GPL-2.0-or-later */
#pragma once

/*
 * What the last audit of everything found, for who only wants to count: below /run/nsisolate, root's alone, replaced
 * whole. Lines: "nsisolate-audit=1", "time=SECONDS", "duration-ms=N", and for each code that was found
 * "NSI001=NEW KNOWN", those that the baseline does not list and those that it does.
 */

#include "session/record.h"
#include "tools/audit_findings.h"

#define AUDIT_SUMMARY RECORD_ROOT "/audit"

struct audit_count {
	uint64_t new, known;
};

struct audit_summary {
	int64_t time;         /* seconds since the epoch, at its end */
	uint64_t duration_ms; /* of the looks as well */
	struct audit_count counts[FINDING_CODES];
};

/* Counts findings as known; then, of the same ones, those that the baseline does not list as new. */
void audit_summary_add(struct audit_summary *summary, const struct findings *findings);
void audit_summary_mark_new(struct audit_summary *summary, const struct findings *findings);

/* 0 or -errno: no such directory as records have, or no room. */
int audit_summary_write(const struct audit_summary *summary) _must_check_;

/* 0; -ENOENT: there was no audit since boot; -EPERM: others may have written it; -EBADMSG: another version's; -errno.
 */
int audit_summary_read(struct audit_summary *ret) _must_check_;
