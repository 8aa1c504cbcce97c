/* SPDX-License-Identifier: BSD-3-Clause OR GPL-2.0-or-later */
#pragma once

/*
 * Writing records: made by the helper, locked by the session's init, removed
 * by whoever closes the session or, when nobody did, by a later opening.
 */

#include "session/record.h"

/*
 * Opens the directory `name` below `parent`, made with `mode` when missing.
 * Judged by descriptor: -EPERM when others than root can write it; -ENOTDIR; -errno. A
 * directory descriptor, for reading.
 */
int own_directory_open(int parent, const char *name, mode_t mode) _must_check_;

/* The same below RECORD_ROOT, which is made 0755 and judged as well. */
int run_directory_open(const char *name, mode_t mode) _must_check_;

/* True inside a session with a mount table of its own: RECORD_ROOT is that session's. */
bool record_root_is_inside(void);

/* RECORD_DIRECTORY, 0700, in the same way. */
int record_directory_open(void) _must_check_;

/*
 * An unnamed file in the directory (O_TMPFILE, 0600, O_RDWR): nothing is left behind whoever
 * dies. A descriptor or -errno.
 */
int record_file_new(int directory) _must_check_;

/* Takes a lock for the calling process, which must never close another descriptor of this file. 0 or -errno. */
int record_lock(int file, enum record_lock lock) _must_check_;
void record_unlock(int file, enum record_lock lock);

/* Writes the record whole into the unnamed file. 0 or -errno. */
int record_write(int file, const struct record *record) _must_check_;

/* Links the written file as `name`: from now on it is seen. -EEXIST: that id is taken; -errno. */
int record_publish(int directory, int file, const char *name) _must_check_;

/*
 * Removes the record `name` of a session or login that ended, by path in the caller's mount namespace. 0;
 * tolerates that it is gone.
 */
int record_remove(const char *name);

/*
 * Removes at most a few records whose lock is free, starting anywhere, so that what a crash
 * left behind goes over time.
 */
void record_sweep(int directory);

/* A new id of `length` hexadecimal digits, an even number of at most SESSION_ID_LENGTH, from random bits. 0 or -errno.
 */
int random_id(char *ret, size_t length) _must_check_;
