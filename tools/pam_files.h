/* SPDX-License-Identifier: BSD-3-Clause OR GPL-2.0-or-later */
#pragma once

/*
 * The files of /etc/pam.d: read, judged by descriptor, replaced by rename; and
 * the copies that are kept of them. Whoever may run this is root (or, on a
 * directory of their own, any user): files must belong to root or to them.
 */

#include "tools/pam_edit.h"

#include <sys/stat.h>

#define PAM_FILE_BYTES_MAX  (1024 * 1024)
#define PAM_STATE_DIRECTORY "/var/lib/nsisolate/pam.d"

/* A directory of services, and the vendor's directories that libpam falls back to. */
struct pam_directory {
	int fd;
	char *path;
	bool vendor; /* also look where the vendor's files are: only for the system's own directory */
};

/* A service file that may be edited. */
struct pam_file {
	char *name;
	int fd;
	struct stat stat;
	struct pam_text text;
};

/* A written file that waits for its rename, or, once committed, the one that it replaced. */
struct pam_pending {
	char *name; /* in the directory; NULL: none */
};

/* 0, or -errno with *ret_problem, a malloced sentence with the remedy. */
int pam_directory_open(const char *path, bool vendor, struct pam_directory *ret, char **ret_problem) _must_check_;
void pam_directory_release(struct pam_directory *directory);

/* A pam_read_fn; the context is a struct pam_directory. Follows links, as libpam does. */
int pam_directory_read(void *context, const char *name, char **ret_text, size_t *ret_length) _must_check_;

/* The service names in the directory and the vendor's, sorted, without shared files and packagers' leftovers. */
int pam_directory_list(const struct pam_directory *directory, char ***ret_names, size_t *ret_count) _must_check_;
void pam_names_release(char **names, size_t count);

/* What else may be meant where there is no service of this name: "; did you mean 'sshd'?", or ""; malloced, or NULL. */
char *pam_directory_hint(const struct pam_directory *directory, const char *name) _must_check_;

/* Opens, judges and reads a service file for editing: refuses links, foreign owners, files that others can write. */
int pam_file_load(const struct pam_directory *directory, const char *name, struct pam_file *ret,
		  char **ret_problem) _must_check_;
void pam_file_release(struct pam_file *file);

/* Writes a new text beside the file, with the file's owner, mode and extended attributes, and syncs it. 0 or -errno. */
int pam_file_prepare(const struct pam_directory *directory, const struct pam_file *file, const struct pam_text *text,
		     struct pam_pending *ret) _must_check_;

/*
 * Puts it into place in one rename; the directory is not synced yet. After an error the
 * file is what it was; -ESTALE: somebody else changed it since it was loaded.
 */
int pam_file_commit(const struct pam_directory *directory, const struct pam_file *file,
		    struct pam_pending *pending) _must_check_;

/* After pam_file_commit(): the old file again, the same inode. 0 or -errno. */
int pam_file_restore(const struct pam_directory *directory, const struct pam_file *file,
		     struct pam_pending *pending) _must_check_;

/* Removes what is left: an uncommitted text, or the replaced file. */
void pam_pending_discard(const struct pam_directory *directory, struct pam_pending *pending);

/* Removes what earlier runs left in a directory when they were killed. The lock must be held. */
void pam_files_sweep(int directory_fd);

/*
 * Opens the directory of the copies, made 0700 if `create`, and takes the lock
 * of this tool; waits for another run up to ten seconds. -ENOENT: there is none.
 */
int pam_state_open(const char *path, bool create, int *ret_fd, char **ret_problem) _must_check_;

int pam_copy_write(int state_fd, const char *service, const struct pam_text *text) _must_check_;
int pam_copy_read(int state_fd, const char *service, struct pam_text *ret) _must_check_; /* -ENOENT: none */
int pam_copy_remove(int state_fd, const char *service);
