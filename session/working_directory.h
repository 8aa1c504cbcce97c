/* SPDX-License-Identifier: BSD-3-Clause OR GPL-2.0-or-later */
#pragma once

/*
 * Keeping a process in "the same" directory while its mount namespace changes.
 * setns(2) leaves it in the new root. Its old path is the user's, so it is
 * resolved without links and taken only if it leads to the very same directory;
 * a kept descriptor would be a way back to the host by "..".
 */

#include "common/cleanup.h"

#include <stdbool.h>
#include <sys/types.h>

struct working_directory {
	char *path; /* NULL: unknown, use "/" */
	dev_t device;
	ino_t inode;
};

void working_directory_save(struct working_directory *ret);

/* Goes there, or to "/". Never fails: setns(2) has already moved us to "/". */
void working_directory_restore(const struct working_directory *saved);

void working_directory_release(struct working_directory *saved);
