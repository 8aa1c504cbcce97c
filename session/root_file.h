/* SPDX-License-Identifier: BSD-3-Clause OR GPL-2.0-or-later */
#pragma once

/* Files of the host that only root can change, found step by step: each directory on the way is judged, links too. */

#include "common/cleanup.h"

/*
 * Opens a regular file of root's for reading, through directories and links of root's that no one else can write to.
 * A descriptor; -EPERM where others could have had a hand in it; -EINVAL when it is no regular file; -errno.
 */
int root_file_open(const char *path) _must_check_;

/*
 * The same to mount something over it: an O_PATH descriptor. The file may be another's, and so may the last directory,
 * such as a resolver's below /run, but what is there is no link then.
 */
int root_file_find(const char *path) _must_check_;

/* What root_file_open() and root_file_find() mean by an error, for a sentence. */
const char *root_file_error(int error);
