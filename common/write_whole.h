/* SPDX-License-Identifier: BSD-3-Clause OR GPL-2.0-or-later */
#pragma once

#include "common/cleanup.h"

#include <stddef.h>
#include <sys/types.h>

/* Writes all of it, as write(2) in as many calls as it takes. 0 or -errno, and then how much was written is unknown. */
int write_whole(int fd, const void *bytes, size_t size) _must_check_;

/* The same from `offset` on, as pwrite(2): others may write elsewhere by the same descriptor. */
int write_whole_at(int fd, const void *bytes, size_t size, off_t offset) _must_check_;
