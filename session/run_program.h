/* SPDX-License-Identifier: BSD-3-Clause OR GPL-2.0-or-later */
#pragma once

/* A program of the system, run to its end with an empty environment. */

#include "common/cleanup.h"

#define PROGRAM_OUTPUT_MAX 1024 /* bytes of what it said that are kept */

/*
 * Runs arguments[0], an absolute path, with standard input from /dev/null, what it says to *ret_output, and no other
 * descriptor; at most timeout_ms, then it is killed. 0; a positive exit status, or 128 and the signal that ended it;
 * -ENOENT: there is no such program; -ETIMEDOUT; -errno. *ret_output: malloced, the first line, or NULL.
 */
int run_program(char *const arguments[], int timeout_ms, char **ret_output) _must_check_;
