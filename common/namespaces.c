/* SPDX-License-Identifier: BSD-3-Clause OR GPL-2.0-or-later */
#include "common/namespaces.h"

#include <sched.h>

#ifndef CLONE_NEWTIME
#define CLONE_NEWTIME 0x00000080 /* linux/sched.h, since Linux 5.6 */
#endif

const struct namespace_info namespace_table[NAMESPACE_KINDS] = {
	[NAMESPACE_MOUNT] = { "mnt", "mnt", "mnt", CLONE_NEWNS },
	[NAMESPACE_NETWORK] = { "net", "net", "net", CLONE_NEWNET },
	[NAMESPACE_IPC] = { "ipc", "ipc", "ipc", CLONE_NEWIPC },
	[NAMESPACE_UTS] = { "uts", "uts", "uts", CLONE_NEWUTS },
	[NAMESPACE_PID] = { "pid", "pid", "pid_for_children", CLONE_NEWPID },
	[NAMESPACE_USER] = { "user", "user", "user", CLONE_NEWUSER },
	[NAMESPACE_CGROUP] = { "cgroup", "cgroup", "cgroup", CLONE_NEWCGROUP },
	[NAMESPACE_TIME] = { "time", "time", "time_for_children", CLONE_NEWTIME },
};
