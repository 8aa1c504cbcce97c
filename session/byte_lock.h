/* SPDX-License-Identifier: BSD-3-Clause OR GPL-2.0-or-later */
#pragma once

/*
 * Open file description locks on one byte of a file, fcntl_locking(2): whoever has a copy of the descriptor holds
 * them, and the kernel gives them back with the last copy, however its process ends.
 */

#include "common/cleanup.h"

#include <sys/types.h>

/* command: F_OFD_SETLK and its kin; type: F_WRLCK, F_RDLCK or F_UNLCK. 0; -EAGAIN: others hold it; -errno. */
int lock_byte(int file, int command, short type, off_t byte) _must_check_;

/* Waits at most timeout_ms for the write lock. 0; -ETIMEDOUT; -errno. Uses SIGALRM, and gives it back. */
int lock_byte_within(int file, off_t byte, int timeout_ms) _must_check_;
