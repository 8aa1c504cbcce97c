/* SPDX-License-Identifier: BSD-3-Clause OR GPL-2.0-or-later */
#pragma once

/*
 * The mounts of a session, made by its init in the new mount namespace with
 * the descriptor-based calls (fsopen(2) and its kin): a file system is complete
 * before it becomes visible, and its mount point is resolved once, without links.
 * Each function returns 0 or -errno.
 */

#include "session/plan.h"

/* Makes the whole tree "slave" or "private", mount_namespaces(7), so that nothing mounted later reaches the host. */
int mount_set_propagation(const struct step *step) _must_check_;

/* A proc(5) of the init's own PID namespace in place of the host's. */
int mount_proc(const struct step *step) _must_check_;

/* A sysfs(5) of the init's own network namespace; the host's cgroup and selinux trees are carried over. */
int mount_sys(const struct step *step) _must_check_;

/*
 * Every hierarchy of cgroups(7) at or below the target anew, so that it begins at the group of the init's own cgroup
 * namespace; what was mounted read-only is again.
 */
int mount_cgroups(const struct step *step) _must_check_;

/* The mq_overview(7) file system of the init's own IPC namespace. */
int mount_mqueue(const struct step *step) _must_check_;

/* An empty tmpfs(5), nosuid and nodev, bounded in bytes and inodes. */
int mount_tmpfs(const struct step *step) _must_check_;

/* An empty tmpfs(5) that nobody can write to over a directory that is not to be seen. */
int mount_hide(const struct step *step) _must_check_;

/*
 * The same over the directory of a container engine. Over a socket that lies among files of others, a device that
 * cannot be opened: it stays until the host puts a new file in the place of the socket, and then is gone. Tolerates
 * that there is none.
 */
int hide_engine(const struct step *step) _must_check_;

/*
 * Covers every proc(5) that the host has mounted elsewhere, in a chroot for instance: it shows the host's processes.
 * -EACCES: one lies where others than root move it about.
 */
int hide_procs(const struct step *step) _must_check_;

/* The same directory over itself, with all that is mounted below it, read-only. */
int mount_read_only(const struct step *step) _must_check_;

/* A tmpfs over /run/user, holding nothing but the user's own directory, 0700. */
int mount_runtime_dir(const struct step *step) _must_check_;
