/* SPDX-License-Identifier: BSD-3-Clause OR GPL-2.0-or-later */
#pragma once

/* Taking mounts away, umount2(2) with MNT_DETACH, in a mount namespace that passes nothing on to the host. */

#include "common/cleanup.h"

/*
 * Takes away the mount whose root an O_PATH descriptor names, with what is mounted below it. 1; 0 when it is no root of
 * a mount, or is locked, mount_namespaces(7), so that it can only be covered; -errno.
 */
int mount_detach_at(int directory) _must_check_;

/*
 * Takes away what is mounted strictly below the directory that an O_PATH descriptor names, which is no root of a mount.
 * No file system is asked that is mounted there. What is moved about meanwhile, or lies where root may not look, stays.
 * 0 or -errno.
 */
int mounts_detach_below(int directory) _must_check_;
