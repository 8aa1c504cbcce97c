/* SPDX-License-Identifier: BSD-3-Clause OR GPL-2.0-or-later */
#pragma once

/* Whose a namespace is, and who keeps it: processes by a descriptor, and mounts of nsfs. */

#include "tools/mounts.h"
#include "tools/sessions.h"

/* The namespaces that live sessions have to themselves. */
struct holdings {
	struct holding *items; /* sorted by inode number */
	size_t count;
};

/* 0 or -ENOMEM. The sessions are not owned. */
int holdings_make(const struct sessions *sessions, struct holdings *ret) _must_check_;
void holdings_release(struct holdings *holdings);

/* The session that a namespace belongs to, or NULL. */
const struct session *holdings_find(const struct holdings *holdings, uint64_t inode);

/* The same by what a link in /proc or the root of a mount says: "net:[4026532190]". */
const struct session *holdings_find_named(const struct holdings *holdings, const char *name);

/* One that keeps a namespace called `name`. Not 0 ends the pass, and is returned. */
typedef int (*holder_visitor)(const struct session *session, const char *name, void *data);
typedef int (*holding_mount_visitor)(const struct session *session, const struct mount_entry *entry, void *data);

/* What a process, by its directory in /proc, has open. One that is gone, or not ours to read, has nothing. */
int holdings_visit_open(const struct holdings *holdings, int process, holder_visitor visit, void *data) _must_check_;

int holdings_visit_mounts(const struct holdings *holdings, const struct mount_list *mounts, holding_mount_visitor visit,
			  void *data) _must_check_;
