/* SPDX-License-Identifier: BSD-3-Clause OR GPL-2.0-or-later */
#pragma once

/*
 * Records of the sessions and of their logins, below /run/nsisolate/sessions:
 * KEY=value lines, written whole into an unnamed file and linked into place. A session has
 * the record ID, which is also that of the login that opened it; each login that
 * joined it later has a record ID.LOGIN beside it. The session's init holds
 * POSIX write locks on them from its one open: held means alive, and F_GETLK
 * names its pid (fcntl_locking(2)). Of the bytes of a record one is locked while the session lives
 * and another while the login does. Readers never take a lock, and treat
 * the text as hostile: inside a session root writes records too.
 */

#include "common/cleanup.h"
#include "common/namespaces.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#define RECORD_ROOT "/run/nsisolate"
/* the mode by which the directory of a session's own is known: the host's has no sticky bit */
#define RECORD_ROOT_INSIDE_MODE 01700
#define RECORD_DIRECTORY        RECORD_ROOT "/sessions"
#define RECORD_VERSION          1
#define RECORD_MAX              (16 * 1024) /* bytes; a longer file is not a record */
#define SESSION_ID_LENGTH       12          /* lower-case hexadecimal digits */
#define LOGIN_ID_LENGTH         6           /* likewise */
#define RECORD_NAME_MAX         (SESSION_ID_LENGTH + 1 + LOGIN_ID_LENGTH)

/*
 * What of a record is locked, a byte each: while the session lives, while the login that the record is of does, and
 * from when the init has given up its capabilities on, before anybody is in the session: seal.h.
 */
enum record_lock { RECORD_LOCK_SESSION = 1, RECORD_LOCK_LOGIN = 2, RECORD_LOCK_BOTH = 3, RECORD_LOCK_SEALED = 4 };

#define RECORD_LOGIN_BYTE  1 /* the session's is 0 */
#define RECORD_SEALED_BYTE 3 /* apart from the login's, which is given up at the edge of what is held */

struct record {
	char id[SESSION_ID_LENGTH + 1]; /* of the session */
	char *login;                    /* of a login that joined it, or "" for the one that opened it */
	char *user;
	uid_t uid;
	char *service;
	char *tty;            /* PAM_TTY as given, or "" */
	char *remote_host;    /* PAM_RHOST as given, or "" */
	pid_t login_pid;      /* in the PID namespace where the record was written */
	uint64_t login_start; /* clock ticks since boot, field 22 of /proc/PID/stat in the initial time namespace */
	pid_t init_pid;       /* likewise; for a reader elsewhere only record_alive() tells */
	uint64_t namespaces[NAMESPACE_KINDS]; /* inode numbers; 0 where the session shares the caller's */
	char *policy;                         /* the file that decided: "group/students.conf" */
	char *sources;                        /* every file that gave a value, comma-separated */
	uint64_t policy_hash;
	uint64_t setting;     /* scope = "user": a hash of what beside user and policy makes it what it is; else 0 */
	char *network;        /* network.mode: under "named" the network namespace is not the session's alone */
	uint64_t slirp_pid;   /* network.mode = "slirp": its slirp4netns, in the PID namespace where this was written;
				 else 0 */
	uint64_t slirp_start; /* of that, like login_start */
	char *mode;           /* "enforce" */
	char *scope;          /* "session", or "user" where later logins of the user join */
	char *interface;      /* the host's end of the session's interface, with network.mode "veth"; or "" */
	char *addresses;      /* the session's, comma-separated: "10.99.0.7,fd00:99::7"; or "" */
	char *on_logout;      /* "kill", or "wait" where the session lives while a process of it does */
	uint64_t outer_pid_namespace; /* inode number of the one that all PIDs here are of */
	int64_t opened;               /* seconds since the epoch */
	char *texts; /* of record_parse(): where all strings above are; else NULL, and each is its own */
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
 * 1: the session, or of a later login's record the login, is alive, and *ret_pid is the init's pid in the
 * reader's PID namespace (0: not visible from here); 0: ended; or -errno.
 */
int record_alive(int fd, pid_t *ret_pid) _must_check_;

/* 1: the login that the record is of is alive; 0: it has ended; or -errno. */
int record_login_alive(int fd) _must_check_;

/* What a reader finds behind one name in the directory. */
struct record_view {
	struct record record;
	bool valid;                     /* record is filled */
	bool alive;                     /* the session is, or of a later login's record the login */
	bool login_alive;               /* the login that the record is of */
	bool sealed;                    /* the init says by a lock that it gave up its capabilities in time */
	pid_t init_pid;                 /* from the lock, never from the text; 0 when ended or not visible */
	char name[RECORD_NAME_MAX + 1]; /* the file's name */
};

struct record_list {
	struct record_view *items; /* sorted by name */
	size_t count;
};

/*
 * Reads the record `name` in a directory; a file that is no record is a view that is not
 * valid. 0; -ENOENT; -errno. Released by record_release() of its record.
 */
int record_view_read(int directory, const char *name, struct record_view *view) _must_check_;

/* Reads every record in a directory, ended and invalid ones included. A missing directory is an empty list. */
int records_read(const char *directory, struct record_list *ret) _must_check_;
void record_list_release(struct record_list *list);
