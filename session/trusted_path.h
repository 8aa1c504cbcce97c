/* SPDX-License-Identifier: BSD-3-Clause OR GPL-2.0-or-later */
#pragma once

/*
 * Opening what a policy names by a path that nobody but root can lead elsewhere: symbolic links are followed as they
 * are met, component by component, and each directory that one is looked up in must be root's alone.
 */

#include "common/cleanup.h"

/*
 * An O_PATH descriptor of the directory, or of whatever else it is. -EACCES: others than root can write to a
 * directory on the way, and could put something else in the place of what is in it (in a sticky one, of what is not
 * root's or is missing); -ELOOP: too many links; -errno.
 */
int trusted_open(const char *path) _must_check_;

/*
 * An O_PATH descriptor of a directory strictly below `directory`, an O_PATH descriptor too: each that a component of
 * `path`, which has no "." and "..", is looked up in must be root's alone. No file system is asked about the last,
 * which may be a user's. -EACCES: others than root can write to one; -ELOOP: a component is a symbolic link; -errno.
 */
int trusted_open_below(int directory, const char *path) _must_check_;
