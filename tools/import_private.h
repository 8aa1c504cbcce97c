/* SPDX-License-Identifier: BSD-3-Clause OR GPL-2.0-or-later */
#pragma once

/* What the parts of import_policy() share. */

#include "tools/import_policy.h"

/* A private directory of the policy. */
struct import_entry {
	const struct polydir *polydir;
	char *path;        /* as mount_path_parse() gives it */
	bool kept;         /* backing = "directory" */
	char *size;        /* NULL: the default */
	char *inodes;      /* likewise */
	unsigned position; /* line of the policy text, once that is made */
};

struct import_entries {
	struct import_entry *items;
	size_t count;
};

void import_entries_release(struct import_entries *entries);
void import_entries_remove(struct import_entries *entries, size_t index);

#define IMPORT_REPORT(diag, polydir, ...) \
	diagnostics_add(diag, SEVERITY_WARNING, (polydir)->file, (polydir)->line, __VA_ARGS__)

/* True if pam_namespace has the directory for that name (a user, "@GROUP"; NULL: whoever is in no list). */
bool import_applies(const struct polydir *polydir, const char *name);

/* One directory as an entry. 1: *ret is one; 0: it cannot be, which is reported; -ENOMEM. */
int import_directory(const struct polydir *polydir, struct import_entry *ret, struct diagnostics *diag) _must_check_;

/* What is left to do or lost where it is an entry of the policy. 0 or -ENOMEM. */
int import_report_directory(const struct import_entry *entry, struct diagnostics *diag) _must_check_;

/* For whom other files than default.conf are needed. 0 or -ENOMEM. */
int import_report_names(const struct namespace_conf *conf, struct diagnostics *diag) _must_check_;

/* The text, with the position of each entry. 0 or -ENOMEM. */
int import_render(const struct import *import, struct import_entries *entries, char **ret) _must_check_;
