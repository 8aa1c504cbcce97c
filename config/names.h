/* SPDX-License-Identifier: BSD-3-Clause OR GPL-2.0-or-later */
#pragma once

/* The names in a policy file, judged before libconfuse sees them: it would stop at the first that it does not know.
 * Pure. */

#include "common/cleanup.h"
#include "config/scan.h"

#define NAMES_LEFT_OUT 1 /* something was not as the language has it: the file is to be refused */

/*
 * Every key and section of `scan`: known, and written as what it is. Each that is not goes to diag and is taken out of
 * `scan`, text and events, so that the rest can be judged, too. 0, NAMES_LEFT_OUT or -ENOMEM. `name` is the file's.
 */
int names_check(const char *name, struct scan *scan, struct diagnostics *diag) _must_check_;
