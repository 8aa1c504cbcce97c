/* SPDX-License-Identifier: BSD-3-Clause OR GPL-2.0-or-later */
#pragma once

#include "common/cleanup.h"

#include <stddef.h>
#include <sys/types.h>

/*
 * Writes a file whole under a hidden name beside `path` and renames it into place: a reader finds the old or the new
 * one. A symbolic link at `path` is replaced, not followed. 0 or -errno; on failure nothing is left, and `path` is as
 * it was.
 */
int replace_file(const char *path, const char *bytes, size_t size, mode_t mode) _must_check_;
