/* SPDX-License-Identifier: BSD-3-Clause OR GPL-2.0-or-later */
#pragma once

/*
 * enable and disable. Theory of operation: every service is loaded and judged, and
 * its new text planned and judged, before anything is written. Then all copies
 * and all new files are written and synced beside the old ones; last, each is put in place by
 * one rename that keeps the old file until all are in place. A failure before the last rename leaves or
 * puts back what was there. A kill in between leaves whole files only, and names that the next run sweeps.
 */

#include "tools/nsisolate-pam.h"

enum outcome {
	OUTCOME_UNPLANNED,
	OUTCOME_REFUSED,
	OUTCOME_NOTHING, /* it is already as asked */
	OUTCOME_LEFT,    /* disable: there are lines that are not ours to remove */
	OUTCOME_CHANGE,
};

struct target {
	char *name;
	struct pam_file file;
	struct pam_blocks blocks; /* in file.text */
	struct pam_text plain;    /* without blocks */
	struct pam_text next;     /* what is to be written */
	struct pam_blocks next_blocks;
	const struct pam_text *view; /* what a reader sees while planning */
	enum outcome outcome;
	struct pam_pending pending;
	bool committed;
	bool copy_made; /* there was none before this run */
	bool copy_same; /* disable: the copy equals the result */
	bool copy_found;
};

struct change {
	const struct pam_options *options;
	struct pam_directory directory;
	int state_fd; /* -1 in a dry run without copies */
	struct target *targets;
	size_t count;
	char *module;     /* as the lines name it */
	char **arguments; /* quoted; NULL: those that a service already has */
};

void pam_change_release(struct change *change);

/* Adds a service, once. 0 or -ENOMEM. */
int pam_change_add(struct change *change, const char *name) _must_check_;

/*
 * Opens everything that the named services need, the directory of the copies made if `create`. All
 * of them are looked at, so that all complaints come at once. PAM_EXIT_DONE or PAM_EXIT_FAILED; services added
 * before are given up one by one, as OUTCOME_REFUSED.
 */
int pam_change_open(struct change *change, bool create);

/* A pam_read_fn; the context is a struct change: the targets as planned, everything else as it is. */
int pam_change_read(void *context, const char *name, char **ret_text, size_t *ret_length);

/* Prints the problems of at least this severity; true if one is an error. */
bool pam_change_report(const struct change *change, const struct pam_problems *problems, enum pam_severity least);
/* Prints and releases them. */
void pam_change_complain(const struct change *change, const struct target *target, struct pam_edit_problems *problems);

/* The directory of a file that an entry names: "" for an absolute path. */
const char *pam_change_directory_of(const struct change *change, const char *file);

bool pam_texts_equal(const struct pam_text *left, const struct pam_text *right);
void pam_change_print_diff(const struct change *change, const struct target *target);

/* True if one of the targets has this outcome. */
bool pam_change_has(const struct change *change, enum outcome outcome);

/* All targets or none; a signal waits until it is decided which. PAM_EXIT_DONE or PAM_EXIT_FAILED. */
int pam_change_apply(struct change *change, bool with_copy);
