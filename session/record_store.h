/* SPDX-License-Identifier: BSD-3-Clause OR GPL-2.0-or-later */
#pragma once

/*
 * Writing records: made by the helper, locked by the session's init, removed
 * by whoever closes the session or, when nobody did, by a later opening.
 */

#include "session/record.h"

/*
 * Opens RECORD_DIRECTORY, making it and RECORD_ROOT (0755 and 0700, root) when
 * missing. -EPERM: it or its parent is not root's alone; -ENOTDIR; -errno. A directory descriptor, for reading.
 */
int record_directory_open(void) _must_check_;

/*
 * An unnamed file in the directory (O_TMPFILE, 0600, O_RDWR): nothing is left behind whoever
 * dies. A descriptor or -errno.
 */
int record_file_new(int directory) _must_check_;

/* Takes the write lock for the calling process, which must never close another descriptor of this file. 0 or -errno. */
int record_lock(int file) _must_check_;

/* Writes the record whole into the unnamed file. 0 or -errno. */
int record_write(int file, const struct record *record) _must_check_;

/* Links the written file as `id`: from now on it is seen. -EEXIST: that id is taken; -errno. */
int record_publish(int directory, int file, const char *id) _must_check_;

/*
 * Removes the record `id` of a session that ended, by path in the caller's mount namespace. 0;
 * tolerates that it is gone.
 */
int record_remove(const char *id);

/*
 * Removes at most a few records whose lock is free, starting anywhere, so that what a crash
 * left behind goes over time.
 */
void record_sweep(int directory);

/* A new id: 48 random bits. 0 or -errno. */
int session_id_new(char ret[SESSION_ID_LENGTH + 1]) _must_check_;
