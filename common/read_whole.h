/* SPDX-License-Identifier: BSD-3-Clause OR GPL-2.0-or-later */
#pragma once

#include "common/cleanup.h"

#include <stddef.h>

/*
 * A file from its start, wherever its descriptor stands, or all that comes from a pipe: malloced, with a '\0' behind
 * the *ret_size bytes that is not counted. 0; -EFBIG when there are more than `limit` bytes; -ENOMEM; else the -errno
 * of pread(2) or read(2).
 */
int read_whole(int fd, size_t limit, char **ret, size_t *ret_size) _must_check_;

/* The same of its first `limit` bytes: what comes behind them is not read, and no error. */
int read_head(int fd, size_t limit, char **ret, size_t *ret_size) _must_check_;
