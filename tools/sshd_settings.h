/* SPDX-License-Identifier: BSD-3-Clause OR GPL-2.0-or-later */
#pragma once

/* What sshd itself says of its settings: no file of its is parsed here. */

#include "common/cleanup.h"
#include "config/diagnostics.h"

/*
 * Runs "PROGRAM -T", with nothing in its environment and for a few seconds at most. 0 and its output, malloced;
 * or -errno with *ret_problem, malloced: why there is none.
 */
int sshd_settings_read(const char *program, char **ret_text, char **ret_problem) _must_check_;

/* Judges the output of sshd -T: "usepam no" and "usedns yes". Pure. */
void sshd_settings_judge(const char *text, const char *file, struct diagnostics *diag);
