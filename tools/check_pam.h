/* SPDX-License-Identifier: BSD-3-Clause OR GPL-2.0-or-later */
#pragma once

/* The PAM stacks of a host, as far as they have the module, and the settings of sshd. */

#include "config/diagnostics.h"

#include <stddef.h>

struct pam_check {
	size_t services; /* that open sessions */
	size_t enabled;  /* that have the module */
	char *unchecked; /* what could not be looked at, and why; NULL: nothing */
};

/*
 * `directory`: NULL for the live one, with the vendor's files and sshd's settings. Findings get the full path of
 * their file. 0, or -errno with *ret_problem when the directory cannot be read; -ENOMEM.
 */
int check_pam(const char *directory, struct diagnostics *diag, struct pam_check *ret, char **ret_problem) _must_check_;
void pam_check_release(struct pam_check *check);
