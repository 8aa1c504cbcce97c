/* SPDX-License-Identifier: BSD-3-Clause OR GPL-2.0-or-later */
#pragma once

/* The kinds of namespace, namespaces(7), as one table that everything else iterates. */

#include <stddef.h>

enum namespace_kind {
	NAMESPACE_MOUNT,
	NAMESPACE_NETWORK,
	NAMESPACE_IPC,
	NAMESPACE_UTS,
	NAMESPACE_PID,
	NAMESPACE_USER,
	NAMESPACE_CGROUP,
	NAMESPACE_TIME,
	NAMESPACE_KINDS,
};

struct namespace_info {
	const char *name;          /* as lsns(8) prints it: "mnt", "net", … */
	const char *proc_link;     /* name of the link in /proc/PID/ns */
	const char *children_link; /* the link that setns(2) changes: differs from proc_link for pid and time */
	int clone_flag;            /* CLONE_NEW… */
};

extern const struct namespace_info namespace_table[NAMESPACE_KINDS];
