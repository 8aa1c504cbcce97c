/* SPDX-License-Identifier: BSD-3-Clause OR GPL-2.0-or-later */
#pragma once

/* What pam_directory.c, pam_files.c and pam_copies.c share. */

#include "tools/pam_files.h"

#include <dirent.h>

/* The text of an open file of at most PAM_FILE_BYTES_MAX. 0, -EFBIG or -errno. */
int pam_read_all(int fd, struct pam_text *ret) _must_check_;

/* What another user could have written, or can write, is refused. NULL: trusted; else why, and what to do. */
const char *pam_file_distrust(const struct stat *stat);

/* A service's file, or an absolute path, as libpam finds it. A descriptor, or -1 with errno. */
int pam_service_open(const struct pam_directory *directory, const char *name);

/* NULL with errno. */
DIR *pam_open_listing(int directory_fd);

/*
 * Writes a new file with a name that no service has, with owner, mode and extended
 * attributes of `like` (or 0600, when NULL), and syncs it. 0 and its name, or -errno and nothing.
 */
int pam_pending_write(int directory_fd, const char *name, const struct pam_text *text, const struct pam_file *like,
		      char **ret) _must_check_;
