/* SPDX-License-Identifier: BSD-3-Clause OR GPL-2.0-or-later */
#pragma once

#include "common/cleanup.h"

#include <stddef.h>

/* Writes all of it, as write(2) in as many calls as it takes. 0 or -errno, and then how much was written is unknown. */
int write_whole(int fd, const void *bytes, size_t size) _must_check_;
