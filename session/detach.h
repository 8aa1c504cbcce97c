/* SPDX-License-Identifier: BSD-3-Clause OR GPL-2.0-or-later */
#pragma once

#include "common/cleanup.h"

/*
 * Makes the helper, and so the session's init, independent of the user who
 * may have called the login program (su, sudo): its credentials, so that they
 * cannot signal it; its limits, priority and OOM score, so that what they set
 * before cannot end the session's init. What the kernel denies to a root
 * without CAP_SYS_RESOURCE, CAP_SYS_NICE or CAP_SETGID is tolerated: the session is then no weaker, at most shorter.
 * -errno when it stays the user's (setresuid(2)) or in the user's directory (chdir(2)): then there must be no session.
 */
int detach_from_caller(void) _must_check_;
