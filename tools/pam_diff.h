/* SPDX-License-Identifier: BSD-3-Clause OR GPL-2.0-or-later */
#pragma once

#include "tools/pam_edit.h"

/* Prints what an edit changes as a unified diff without context, diff(1): texts that differ in their blocks only. */
void pam_diff_print(FILE *stream, const char *path, const struct pam_text *before, const struct pam_blocks *old_blocks,
		    const struct pam_text *after, const struct pam_blocks *new_blocks);
