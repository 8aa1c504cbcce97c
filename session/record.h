/* SPDX-License-Identifier: BSD-3-Clause OR GPL-2.0-or-later */
#pragma once

/*
 * One record a session, below /run/nsisolate/sessions: KEY=value lines, written
 * whole into an unnamed file and linked into place. The session's init holds
 * a POSIX write lock on it from its one open: held means alive, and F_GETLK
 * names its pid (fcntl_locking(2)). Readers never take the lock, and treat
 * the text as hostile: inside a session root writes records too.
 */

#include "common/cleanup.h"
#include "common/namespaces.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#define RECORD_ROOT       "/run/nsisolate"
#define RECORD_DIRECTORY  RECORD_ROOT "/sessions"
#define RECORD_VERSION    1
#define RECORD_MAX        (16 * 1024) /* bytes; a longer file is not a record */
#define SESSION_ID_LENGTH 12          /* lower-case hexadecimal digits */

struct record {
	char id[SESSION_ID_LENGTH + 1];
	char *user;
	uid_t uid;
	char *service;
	char *tty;                            /* PAM_TTY as given, or "" */
	char *remote_host;                    /* PAM_RHOST as given, or "" */
	pid_t login_pid;                      /* in the PID namespace where the record was written */
	uint64_t login_start;                 /* clock ticks since boot, field 22 of /proc/PID/stat */
	pid_t init_pid;                       /* likewise; for a reader elsewhere only record_alive() tells */
	uint64_t namespaces[NAMESPACE_KINDS]; /* inode numbers; 0 where the session shares the caller's */
	char *policy;                         /* the file that decided: "group/students.conf" */
	char *sources;                        /* every file that gave a value, comma-separated */
	uint64_t policy_hash;
	char *mode;     /* "enforce" */
	int64_t opened; /* seconds since the epoch */
};

void record_release(struct record *record);

/*
 * The text of a record; control bytes, '\\' and bytes over 0x7e in values as \xNN. Malloced;
 * NULL when memory ran out.
 */
char *record_format(const struct record *record);

/* 0; -EBADMSG: no record of a version known here (truncated, a key missing, twice or out of range); -ENOMEM. */
int record_parse(const char *text, size_t size, struct record *ret) _must_check_;

/*
 * 1: alive, and *ret_pid is its init's pid in the reader's PID namespace (0: not visible from
 * here); 0: ended; or -errno.
 */
int record_alive(int fd, pid_t *ret_pid) _must_check_;

/* What a reader finds behind one name in the directory. */
struct record_view {
	struct record record;
	bool valid;                       /* record is filled */
	bool alive;                       /* the lock is held */
	pid_t init_pid;                   /* from the lock, never from the text; 0 when ended or not visible */
	char name[SESSION_ID_LENGTH + 1]; /* the file's name */
};

struct record_list {
	struct record_view *items; /* sorted by name */
	size_t count;
};

/* Reads every record in a directory, ended and invalid ones included. A missing directory is an empty list. */
int records_read(const char *directory, struct record_list *ret) _must_check_;
void record_list_release(struct record_list *list);
