/* SPDX-License-Identifier: BSD-3-Clause OR GPL-2.0-or-later */
#pragma once

/* nsinspect audit --log: one line in the journal or the system log about an audit. */

#include "tools/audit_summary.h"

/* What was found; of what the baseline lists only the number is told. 0 or -ENOMEM. */
int audit_log(const struct audit_summary *summary) _must_check_;
