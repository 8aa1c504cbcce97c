/* SPDX-License-Identifier: BSD-3-Clause OR GPL-2.0-or-later */
#pragma once

/*
 * namespace.conf(5), the configuration of pam_namespace(8), read as that module reads it. Pure.
 *
 * A line is a polyinstantiated directory, and none goes on in the next one. '#' begins a comment wherever it stands,
 * in quotes, too. Fields are separated by white space; '"' quotes it, and outside of quotes '\' takes the next
 * character as it is, but for \n, \t and \b. Flags count by their beginning: "noinitial" is noinit.
 */

#include "common/cleanup.h"
#include "config/diagnostics.h"

#include <stdbool.h>
#include <stddef.h>

#define NAMESPACE_CONF_SIZE_MAX  (64 * 1024) /* bytes of a file */
#define NAMESPACE_CONF_LINE_MAX  4096        /* bytes of a line */
#define NAMESPACE_CONF_DIRS_MAX  200
#define NAMESPACE_CONF_NAMES_MAX 2000 /* of users and groups in all lists */

enum polydir_method {
	POLYDIR_USER,
	POLYDIR_CONTEXT,
	POLYDIR_LEVEL,
	POLYDIR_TMPDIR,
	POLYDIR_TMPFS,
	POLYDIR_METHODS,
};

extern const char *const polydir_method_names[POLYDIR_METHODS];

struct polydir {
	char *file; /* where it is from, for messages */
	unsigned line;
	char *path;   /* printable UTF-8; $HOME and $USER are not replaced */
	char *prefix; /* likewise, but any bytes */
	enum polydir_method method;
	bool create, noinit, shared;
	char *create_parameters; /* "MODE,OWNER,GROUP", what is behind '='; NULL: none */
	char *script;            /* of iscript; NULL: none */
	char *mount_options;     /* of the last mntopts; NULL: none */
	bool only;               /* for those in `names` alone, instead of for all others */
	char **names;            /* users, and groups with '@'; a text_list */
};

struct namespace_conf {
	struct polydir *items;
	size_t count;
	size_t names; /* in all lists */
};

/*
 * Appends the directories of a file of that name. What is left out goes to diag: as an error what pam_namespace refuses
 * logins for, as a warning what it ignores. 0; -E2BIG when there are more than the limits above; -ENOMEM.
 */
int namespace_conf_parse(const char *file, const char *text, size_t size, struct namespace_conf *conf,
			 struct diagnostics *diag) _must_check_;

void namespace_conf_release(struct namespace_conf *conf);
