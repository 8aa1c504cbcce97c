/* SPDX-License-Identifier: BSD-3-Clause OR GPL-2.0-or-later */
#pragma once

#include "common/cleanup.h"

/*
 * Covers what an O_PATH descriptor names, so that nothing of it is seen: a directory by an empty one that nobody can
 * write to, anything else by a device that cannot be opened, and is no socket. 0 or -errno.
 */
int mask_attach(int target) _must_check_;
