/* SPDX-License-Identifier: BSD-3-Clause OR GPL-2.0-or-later */
#pragma once

#include "common/cleanup.h"

/*
 * For a session's init that from here on must only wait and exit. 0 or -errno.
 *
 * Afterwards it has no capability, and can gain none: before anybody is in the session. It stays as dumpable as it was.
 */
int seal_capabilities(void) _must_check_;

/*
 * Its memory and /proc entries are root's alone (prctl(2), PR_SET_DUMPABLE). It had to be dumpable until who enters by
 * it was in: that setns(2) is a ptrace(2) access check.
 */
int seal_memory(void) _must_check_;
