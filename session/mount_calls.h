/* SPDX-License-Identifier: BSD-3-Clause OR GPL-2.0-or-later */
#pragma once

/* What every mount of a session is made by, over a descriptor of its place. */

#include "common/cleanup.h"

#include <stdbool.h>

struct mount_option {
	const char *name;
	const char *value; /* NULL: the name alone says it */
};

/*
 * A new, not yet attached mount of `type` with MOUNT_ATTR_... `attributes`; options end with a NULL name. A
 * descriptor or -errno.
 */
int mount_new(const char *type, const struct mount_option *options, unsigned attributes) _must_check_;

/* Attaches a detached mount over what an O_PATH descriptor names. 0 or -errno. */
int mount_attach(int mount_fd, int target_fd) _must_check_;

/* The same over a directory that is resolved without following links. */
int mount_attach_at(int mount_fd, const char *target) _must_check_;

/*
 * Mounts a file system of `type` with MS_... `flags` and `options` (mount(2)) over a directory that is resolved as
 * for mount_attach_at(), made if `create`. It is entered and named ".", so that nothing is resolved twice: the working
 * directory of this process is lost. A call where the other way has six and more; not for what must not be seen before
 * it is complete. 0 or -errno.
 */
int mount_over(const char *target, bool create, const char *type, unsigned long flags,
	       const char *options) _must_check_;

/*
 * Takes away what is mounted on `target`, so that the host's file system does
 * not lie below ours. It is a copy in our own namespace, slave or private: the
 * host keeps its mount. Tolerates EINVAL: nothing (more) is mounted there.
 */
int mount_detach_all(const char *target) _must_check_;
