/* SPDX-License-Identifier: BSD-3-Clause OR GPL-2.0-or-later */
#pragma once

/*
 * Findings that an administrator knows and accepts: a file with a line "CODE SUBJECT" each, subjects as in raw output.
 * Empty lines and those that begin with '#' are none.
 */

#include "tools/audit_findings.h"

/*
 * Leaves out what the file lists. 0, or -errno with *ret_problem: it cannot be read, is not root's alone (whoever can
 * write it can hide what they do), or a line of it is wrong.
 */
int audit_baseline_apply(const char *path, struct findings *findings, char **ret_problem) _must_check_;

/* Prints such a file. 0 or -ENOMEM. */
int audit_baseline_print(const struct findings *findings) _must_check_;
