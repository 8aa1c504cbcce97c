/* SPDX-License-Identifier: BSD-3-Clause OR GPL-2.0-or-later */
#pragma once

/* What the subcommands of nsisolate-pam share. */

#include "tools/pam_files.h"
#include "tools/pam_judge.h"
#include "tools/pam_stack.h"

enum pam_exit {
	PAM_EXIT_DONE = 0,
	PAM_EXIT_FINDING = 1, /* status has something to report; disable left lines that are not ours */
	PAM_EXIT_FAILED = 2,  /* wrong usage, or refused: nothing was changed */
};

struct pam_options {
	const char *pam_dir; /* NULL: the system's */
	const char *state_dir;
	const char *module; /* the file that must exist before a stack may name it */
	bool dry_run;
	bool all;
	bool json;
	bool noheadings;
	bool raw;
	const char *const *services;
	size_t service_count;
	const char *const *arguments; /* behind "--", NULL-terminated; NULL: no "--" was given */
};

/* Each prints what it has to say and gives an enum pam_exit. */
int pam_command_enable(const struct pam_options *options);
int pam_command_disable(const struct pam_options *options);
int pam_command_status(const struct pam_options *options);
int pam_command_show(const struct pam_options *options);

/* "nsisolate-pam: …" on stderr. */
void complain(const char *format, ...) _printf_(1, 2);

/* complain() and free the sentence; returns PAM_EXIT_FAILED. */
int complain_problem(char *problem);

int open_services(const struct pam_options *options, struct pam_directory *ret) _must_check_;

/*
 * Prints which services of the directory users could still come through, and
 * why each matters. `read` sees the files as they are, or as a dry run would leave them.
 */
int print_advice(const struct pam_directory *directory, pam_read_fn read, void *context) _must_check_;
