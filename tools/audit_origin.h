/* SPDX-License-Identifier: BSD-3-Clause OR GPL-2.0-or-later */
#pragma once

/* By which PAM service a process came that is in no session, from what its user cannot choose. */

#include "common/cleanup.h"
#include "tools/process_info.h"

/*
 * Its control group, which names the system service that started it or its login session, else the first of its
 * ancestors that is not the user's, if that is a login program. 0 with *ret, malloced, or NULL where nothing tells;
 * -ENOMEM.
 */
int audit_origin(int process, const struct process_info *info, char **ret) _must_check_;

/* The service that a line of /proc/PID/cgroup names: NULL where none; "session" in *ret_session, or NULL. Pure. */
const char *audit_origin_of_cgroup(const char *text, char **ret_session);
