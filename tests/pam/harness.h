/* SPDX-License-Identifier: BSD-3-Clause OR GPL-2.0-or-later */
#pragma once

/*
 * Drives the installed module and helper through libpam, inside the sandbox
 * only. A case runs in a process of its own, since the module moves its caller:
 * it ends by returning or in a failed CHECK, never in cmocka. Around it the
 * parent makes the host clean, and compares: its own namespaces and host name, mounts, processes, records.
 */

#include "common/cleanup.h"
#include "nsisolate-config.h"
#include "pam/check.h"
#include "pam/log.h"
#include "pam/logins.h"
#include "pam/processes.h"
#include "session/record.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

/* A sanitizer keeps memory that is freed, and cannot live under limits on memory. */
#ifdef __has_feature
#if __has_feature(address_sanitizer)
#define SANITIZED
#endif
#endif
#ifdef __SANITIZE_ADDRESS__
#define SANITIZED
#endif

#define ALICE      3001
#define BOB        3002
#define USERS_HOME "/home/alice"

/* A row of a table of cases. */
struct pam_case {
	const char *name;
	void (*run)(void);
};
/* clang-format off */
#define CASE(function) { #function, function }
/* clang-format on */

/* Runs all of them, or those whose name contains $NSISOLATE_CASE, as cmocka tests; the program's exit status. */
int run_cases(const struct pam_case *cases, size_t count);
