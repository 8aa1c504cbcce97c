/* SPDX-License-Identifier: BSD-3-Clause OR GPL-2.0-or-later */
#pragma once

/* The mounts of a process's mount namespace, from /proc/PID/mountinfo: proc_pid_mountinfo(5). */

#include "common/cleanup.h"

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

struct mount_entry {         /* its texts are pieces of the list's */
	unsigned id, parent; /* parent: the mount that this one lies on */
	unsigned major, minor;
	unsigned shared, master; /* peer groups that it is in, and that it is a slave of; 0: none */
	char *root;              /* what of the file system is mounted */
	char *target;
	char *options; /* of the mount: "rw,nosuid,nodev" */
	char *type;
	char *source;
	char *super_options; /* of the file system: "rw,size=524288k" */
};

struct mount_list {
	struct mount_entry *items;
	size_t count, room;
	char *text;
};

int mounts_read(pid_t pid, struct mount_list *ret) _must_check_;

/* Parses the malloced text of a mountinfo file, which it takes over; a line that cannot be read is left out. */
int mounts_parse(char *text, struct mount_list *ret) _must_check_;
void mounts_release(struct mount_list *list);

/* True when `list` has the same part of the same file system at the same place. */
bool mounts_contain(const struct mount_list *list, const struct mount_entry *entry);

/* True when `list` has the file system of the entry, wherever: every file system of a plan is a new one. */
bool mounts_have_device(const struct mount_list *list, const struct mount_entry *entry);

/* The mount at `target` that lies directly on `on`, or NULL. */
const struct mount_entry *mounts_find_on(const struct mount_list *list, const struct mount_entry *on,
					 const char *target);

/* True when `path`, which has no link in it, leads in `list` to what of its file system `entry` is the mount of. */
bool mounts_lead_to(const struct mount_list *list, const char *path, const struct mount_entry *entry);

/* What follows a word among options that commas divide; with a '=' at its end, the value. NULL: it is not there. */
const char *mount_option(const char *options, const char *name);
