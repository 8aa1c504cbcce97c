/* SPDX-License-Identifier: BSD-3-Clause OR GPL-2.0-or-later */
#pragma once

/* Private to pam_read.c: adding to a struct pam_stack. */

#include "tools/pam_stack.h"

void pam_entry_release(struct pam_entry *entry);

/* Takes over what the entry points to, and empties it. 0 or -ENOMEM. */
int pam_stack_add(struct pam_stack *stack, struct pam_entry *entry) _must_check_;

/* The stack's one copy of a file name: entries point to it. 0 or -ENOMEM. */
int pam_stack_intern(struct pam_stack *stack, const char *file, const char **ret) _must_check_;
