/* SPDX-License-Identifier: BSD-3-Clause OR GPL-2.0-or-later */
#include "session/probe.h"

static const char *const names[PROBES] = {
	[PROBE_NAMESPACE + NAMESPACE_MOUNT] = "a mount namespace",
	[PROBE_NAMESPACE + NAMESPACE_NETWORK] = "a network namespace",
	[PROBE_NAMESPACE + NAMESPACE_IPC] = "an IPC namespace",
	[PROBE_NAMESPACE + NAMESPACE_UTS] = "a UTS namespace",
	[PROBE_NAMESPACE + NAMESPACE_PID] = "a PID namespace",
	[PROBE_NAMESPACE + NAMESPACE_USER] = "a user namespace",
	[PROBE_NAMESPACE + NAMESPACE_CGROUP] = "a cgroup namespace",
	[PROBE_NAMESPACE + NAMESPACE_TIME] = "a time namespace",
	[PROBE_CLONE3] = "clone3(2)",
	[PROBE_PIDFD] = "pidfd_open(2)",
	[PROBE_OPENAT2] = "openat2(2)",
	[PROBE_PROPAGATION] = "mount_setattr(2) of the root",
	[PROBE_OPEN_TREE] = "open_tree(2)",
	[PROBE_PROC] = "the file system proc",
	[PROBE_SYSFS] = "the file system sysfs",
	[PROBE_TMPFS] = "the file system tmpfs",
	[PROBE_MQUEUE] = "the file system mqueue",
	[PROBE_MOVE_MOUNT] = "move_mount(2)",
};

/* Beside the namespaces, which the plan's clone_flags tell. */
static const uint32_t step_needs[STEP_KINDS] = {
	[STEP_NAMESPACES] = 1u << PROBE_CLONE3 | 1u << PROBE_PIDFD,
	[STEP_PROPAGATION] = 1u << PROBE_PROPAGATION,
	[STEP_MOUNT_PROC] = 1u << PROBE_PROC | 1u << PROBE_MOVE_MOUNT | 1u << PROBE_OPENAT2,
	[STEP_MOUNT_SYS] = 1u << PROBE_SYSFS | 1u << PROBE_MOVE_MOUNT | 1u << PROBE_OPENAT2 | 1u << PROBE_OPEN_TREE,
	[STEP_MOUNT_CGROUPS] = 1u << PROBE_MOVE_MOUNT | 1u << PROBE_OPENAT2,
	[STEP_MOUNT_MQUEUE] = 1u << PROBE_MQUEUE | 1u << PROBE_MOVE_MOUNT | 1u << PROBE_OPENAT2,
	[STEP_MOUNT_TMPFS] = 1u << PROBE_TMPFS | 1u << PROBE_MOVE_MOUNT | 1u << PROBE_OPENAT2,
	[STEP_MOUNT_RUNTIME_DIR] = 1u << PROBE_TMPFS | 1u << PROBE_MOVE_MOUNT | 1u << PROBE_OPENAT2,
	[STEP_MOUNT_RESOLV_CONF] = 1u << PROBE_TMPFS | 1u << PROBE_MOVE_MOUNT | 1u << PROBE_OPEN_TREE,
	[STEP_MOUNT_HOSTS] = 1u << PROBE_TMPFS | 1u << PROBE_MOVE_MOUNT | 1u << PROBE_OPEN_TREE,
	[STEP_MOUNT_HIDE] = 1u << PROBE_TMPFS | 1u << PROBE_MOVE_MOUNT,
	[STEP_HIDE_ENGINE] =
		1u << PROBE_TMPFS | 1u << PROBE_MOVE_MOUNT | 1u << PROBE_OPEN_TREE | 1u << PROBE_PROPAGATION,
	[STEP_MOUNT_READ_ONLY] = 1u << PROBE_OPEN_TREE | 1u << PROBE_PROPAGATION | 1u << PROBE_MOVE_MOUNT,
	[STEP_MOUNT_DIRECTORY] =
		1u << PROBE_OPEN_TREE | 1u << PROBE_PROPAGATION | 1u << PROBE_MOVE_MOUNT | 1u << PROBE_OPENAT2,
	[STEP_MOUNT_BIND] =
		1u << PROBE_OPEN_TREE | 1u << PROBE_PROPAGATION | 1u << PROBE_MOVE_MOUNT | 1u << PROBE_OPENAT2,
	[STEP_MOUNT_HOMES] = 1u << PROBE_TMPFS | 1u << PROBE_OPEN_TREE | 1u << PROBE_PROPAGATION |
			     1u << PROBE_MOVE_MOUNT | 1u << PROBE_OPENAT2,
	[STEP_HIDE_PROCS] = 1u << PROBE_TMPFS | 1u << PROBE_MOVE_MOUNT | 1u << PROBE_OPENAT2,
	[STEP_WORKING_DIRECTORY] = 1u << PROBE_OPENAT2,
};

const char *probe_name(enum probe probe)
{
	return names[probe];
}

uint32_t probe_needs(const struct plan *plan)
{
	uint32_t needs = 0;

	for (unsigned kind = 0; kind < NAMESPACE_KINDS; kind++)
		if (plan_new_flags(plan) & (unsigned)namespace_table[kind].clone_flag)
			needs |= probe_bit(PROBE_NAMESPACE + kind);
	for (size_t i = 0; i < plan->count; i++)
		needs |= step_needs[plan->steps[i].kind];
	return needs;
}
