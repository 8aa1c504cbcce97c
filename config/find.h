/* SPDX-License-Identifier: BSD-3-Clause OR GPL-2.0-or-later */
#pragma once

/*
 * The first step of the data flow: which policy files are this user's. Opens
 * them once and judges each by its descriptor; parses nothing. Runs inside
 * foreign processes (the PAM module), so it uses libc and NSS only, keeps no
 * static state, logs nothing, and every descriptor is O_CLOEXEC.
 */

#include "common/cleanup.h"

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

#define POLICY_FILE_MAX (64 * 1024) /* bytes */
#define POLICY_NAME_MAX 250         /* bytes of a user or group name: NAME.conf fits NAME_MAX */
#define CANDIDATES_MAX  200         /* files; SCM_MAX_FD of the kernel is 253 */

/* A user as NSS knows them; never the raw PAM_USER. */
struct identity {
	char *name; /* pw_name */
	uid_t uid;
	gid_t gid;
	char *home;
	char *shell; /* "" is /bin/sh, passwd(5) */
};

/*
 * 0; -ENOENT: NSS has no such user; -EINVAL: the name is no file name (empty,
 * leading '.', a '/', over POLICY_NAME_MAX bytes, control characters); or the NSS error.
 */
int identity_lookup(const char *pam_user, struct identity *ret) _must_check_;
void identity_release(struct identity *identity);

struct group_list {
	gid_t *gids; /* primary and supplementary */
	size_t count;
};

/* All groups of the user by getgrouplist(3). 0 or -errno. */
int group_list_of(const struct identity *identity, struct group_list *ret) _must_check_;
void group_list_release(struct group_list *list);

/* 1: member (primary or supplementary); 0: not; -ENOENT: no such group; or the NSS error. */
int identity_in_group(const struct identity *identity, const char *group) _must_check_;

enum candidate_kind {
	CANDIDATE_USER,
	CANDIDATE_GROUP,
	CANDIDATE_DEFAULT,
};

struct candidate {
	enum candidate_kind kind;
	char *name;    /* relative to the policy directory: "user/alice.conf", "group/students.conf", "default.conf" */
	int fd;        /* open for reading, judged; -1 when problem is set */
	char *problem; /* why this file cannot be used, one sentence with the remedy; refuses whoever reaches it */
};

/* Where the files are that a candidate extends. Zeroed: nowhere. */
struct policy_root {
	bool open;
	int fd;         /* of the policy directory, judged; only when open */
	unsigned flags; /* enum find_flags that its files are judged by */
};

struct candidates {
	struct candidate *items;
	size_t count;
	struct policy_root root; /* its descriptor belongs to the list */
};

enum find_flags {
	FIND_ANY_OWNER = 1 << 0, /* linting a copy: owner and mode are not judged (never for a login) */
	FIND_USER_ONLY = 1 << 1, /* only user/NAME.conf: uid 0 and system users */
	FIND_ANYWHERE = 1 << 2,  /* directories of root's may be writable by others if they are sticky, such as /tmp */
	FIND_OWN = 1 << 3, /* what belongs to the caller is as good as root's: nobody else's session depends on it */
};

/*
 * Opens the policy directory `path` (absolute) component by component, without
 * following symbolic links: each component owned by root and not group- or
 * world-writable. 0 and a descriptor, or -errno with *ret_problem (malloced
 * sentence that names the component) set.
 */
int policy_directory_open(const char *path, unsigned flags, int *ret_fd, char **ret_problem) _must_check_;

/*
 * The candidates of `identity` in the policy directory, in the order user,
 * groups (by name; policy_decide() ranks them by priority), default. A group file
 * whose group NSS cannot resolve is a candidate of everyone, with a problem. An empty list is a success.
 * In group/ only NAME.conf counts: names that begin with '.' or end otherwise (NAME.conf~, #NAME.conf#,
 * NAME.conf.dpkg-old) are passed over. A user/ or group/ that is no directory of root's alone is one
 * candidate with a problem, called "user" or "group".
 * The list's root is a duplicate of directory_fd.
 * -errno with *ret_problem only when the list as such cannot be made (directory unreadable, NSS, memory).
 */
int candidates_find(int directory_fd, const struct identity *identity, unsigned flags, struct candidates *ret,
		    char **ret_problem) _must_check_;

/* Lets what the files extend be found in directory_fd, of which it keeps a duplicate. 0 or -errno. */
int candidates_set_root(struct candidates *list, int directory_fd, unsigned flags) _must_check_;

/*
 * One file outside the policy directory as the only candidate, which decides for every user: nsrun -p. Judged as any
 * policy file, and every directory on the way, by FIND_ANYWHERE. The candidate is called by its absolute path.
 * 0 or -errno with *ret_problem.
 */
int candidates_from_file(const char *path, unsigned flags, struct candidates *ret, char **ret_problem) _must_check_;

/*
 * Opens and judges one file below directory_fd ("group/students.conf"):
 * regular, owned by root, not group- or world-writable, in such a directory,
 * at most POLICY_FILE_MAX bytes; opened O_NONBLOCK|O_NOFOLLOW so that a FIFO,
 * a device or a link is refused at once. -ENOENT when there is none.
 */
int policy_file_open(int directory_fd, const char *name, unsigned flags, int *ret_fd, char **ret_problem) _must_check_;

void candidates_release(struct candidates *list);

/*
 * False only if no file of the list, nor one that they extend, can have the key or section of this name. A look at
 * bytes: a comment counts, too.
 */
bool candidates_may_say(const struct candidates *list, const char *word);

/*
 * The one question asked for uid 0: 1 if user/root.conf exists in the directory at `path`, whatever it is; 0 if not; or
 * -errno when that cannot be told.
 */
int root_policy_exists(const char *path) _must_check_;

/* The name of the user's primary group, malloced; NULL when NSS has none, fails, or memory ran out. */
char *identity_group_name(const struct identity *identity);
