/* SPDX-License-Identifier: BSD-3-Clause OR GPL-2.0-or-later */
#pragma once

/* Whether a session stack isolates: where the module's lines are, and what could make them fail to work. Pure. */

#include "tools/pam_stack.h"

#define PAM_MODULE_NAME "pam_nsisolate.so"

enum pam_state {
	PAM_STATE_ABSENT,     /* no line of the module */
	PAM_STATE_ENABLED,    /* in the service's own file */
	PAM_STATE_THROUGH,    /* in a file that the service includes */
	PAM_STATE_INCOMPLETE, /* lines of the module, or meant to be, but none that opens */
};

struct pam_verdict {
	enum pam_state state;
	const struct pam_entry *open;  /* the line that isolates; NULL if there is none */
	const struct pam_entry *close; /* the line that prompts the end; NULL if there is none */
	const char *through;           /* the included file, for PAM_STATE_THROUGH */
	bool misspelt;                 /* a line means the module but names another: see PAM_PROBLEM_MISSPELT */
	struct pam_problems problems;  /* of the module's lines only; those of reading are in the stack */
};

const char *pam_state_name(enum pam_state state);

/* 0 or -ENOMEM. Pointers in *ret are into the stack. */
int pam_stack_judge(const struct pam_stack *stack, struct pam_verdict *ret) _must_check_;
void pam_verdict_release(struct pam_verdict *verdict);

/* True if the line names another module where ours is meant. */
bool pam_entry_is_misspelt(const struct pam_entry *entry);

/* Adds the finding on a line that names another module where ours is meant, once a line. 0 or -ENOMEM. */
int pam_judge_misspelt(struct pam_verdict *verdict, const struct pam_entry *entry) _must_check_;

/* True if a module that cannot be loaded makes libpam refuse: root, too. */
bool pam_entry_must_load(const struct pam_entry *entry);

/* True if libpam may pass over entry `target` because of what entry `from` answers; *ret_value is that answer. */
bool pam_entry_skips(const struct pam_stack *stack, size_t from, size_t target, size_t *ret_value);
