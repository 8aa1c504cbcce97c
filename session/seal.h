/* SPDX-License-Identifier: BSD-3-Clause OR GPL-2.0-or-later */
#pragma once

#include "common/cleanup.h"

/*
 * For a session's init that from here on must only wait and exit. Afterwards it has no capability, can gain none, and
 * its memory and /proc entries are root's alone (prctl(2), PR_SET_DUMPABLE). It had to be dumpable until who enters by
 * it was in: that setns(2) is a ptrace(2) access check. 0 or -errno.
 */
int seal_init(void) _must_check_;
