/* SPDX-License-Identifier: BSD-3-Clause OR GPL-2.0-or-later */
#pragma once

/* One service of this host: its stack, and everything that is wrong with it, by the files that the stack names, too. */

#include "tools/pam_files.h"
#include "tools/pam_judge.h"

struct pam_view {
	struct pam_stack stack;
	struct pam_verdict verdict;
	bool managed; /* the lines in its own file are in our blocks */
};

/* 0, or -errno when the service's own file cannot be read; -ENOMEM. */
int pam_view_read(struct pam_directory *directory, const char *service, struct pam_view *ret) _must_check_;
void pam_view_release(struct pam_view *view);

/* Problems of reading and of judging that are more than notes. */
size_t pam_view_problem_count(const struct pam_view *view);
