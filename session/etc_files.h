/* SPDX-License-Identifier: BSD-3-Clause OR GPL-2.0-or-later */
#pragma once

/*
 * The session's /etc/hosts and /etc/resolv.conf: files of its own, made from the host's at login and mounted over them.
 * No security measure: when the host puts a new file in the place of one, that is seen in the session.
 */

#include "session/plan.h"

#define ETC_FILE_MAX (256 * 1024) /* bytes */

/* STEP_MOUNT_HOSTS and STEP_MOUNT_RESOLV_CONF, by the init. 0 or -errno. */
int mount_etc_file(const struct step *step) _must_check_;

/*
 * Whether those steps of a plan find their files, looked at from the host. 0; -EINVAL with *ret_problem, a malloced
 * sentence; -ENOMEM.
 */
int etc_files_check(const struct plan *plan, char **ret_problem) _must_check_;
