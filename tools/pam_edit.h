/* SPDX-License-Identifier: BSD-3-Clause OR GPL-2.0-or-later */
#pragma once

/*
 * Puts the module's two lines into the text of a PAM service file and takes
 * them out again, byte for byte. Each line stands between two comments:
 *
 *     # nsisolate-pam: begin close (managed; "nsisolate-pam disable sshd" removes this block)
 *     session required pam_nsisolate.so close
 *     # nsisolate-pam: end
 *
 * Pure: text to text. A block that is not exactly as it was written is never touched.
 */

#include "common/cleanup.h"

#include <stdbool.h>
#include <stddef.h>

struct pam_text {
	char *bytes; /* not terminated: may hold anything */
	size_t length;
};

enum pam_block_role {
	PAM_BLOCK_CLOSE,
	PAM_BLOCK_OPEN,
	PAM_BLOCKS,
};

/* One block in a text. */
struct pam_block {
	size_t start, end;   /* bytes [start, end), whole lines */
	unsigned first_line; /* of its three lines, from 1 */
	bool newline_added;  /* the text ended without a newline where the block begins */
};

struct pam_blocks {
	bool present; /* both, or none */
	struct pam_block block[PAM_BLOCKS];
	char *module;     /* as written in the lines */
	char **arguments; /* NULL-terminated, without the role; as the lines quote them */
};

/* Why a text is refused: everything at once. */
struct pam_edit_problem {
	unsigned line; /* from 1 */
	char *text;    /* one line, with the remedy */
};

struct pam_edit_problems {
	struct pam_edit_problem *items;
	size_t count;
};

/* What to insert. */
struct pam_edit {
	const char *service;
	const char *module;           /* "pam_nsisolate.so" or an absolute path */
	const char *const *arguments; /* NULL-terminated, as pam_argument_quote() gives them; NULL: none */
	unsigned close_line;          /* the line before which the close block goes, from 1 */
};

/* 0; -EBADMSG with *ret_problems: markers are missing, doubled or changed; -ENOMEM. */
int pam_edit_find(const struct pam_text *text, struct pam_blocks *ret,
		  struct pam_edit_problems *ret_problems) _must_check_;

void pam_blocks_release(struct pam_blocks *blocks);
void pam_edit_problems_release(struct pam_edit_problems *problems);
void pam_text_release(struct pam_text *text);

/* Takes out what pam_edit_find() found; without blocks a copy. */
int pam_edit_remove(const struct pam_text *text, const struct pam_blocks *blocks, struct pam_text *ret) _must_check_;

/* The text must hold no blocks. 0, -ERANGE: it has no such line; -ENOMEM. */
int pam_edit_insert(const struct pam_text *text, const struct pam_edit *edit, struct pam_text *ret) _must_check_;

/* The line that goes into the block, without newline; malloced, NULL when memory ran out. */
char *pam_edit_line(const char *module, enum pam_block_role role, const char *const *arguments);

/*
 * An argument as it must be written in a PAM file: in brackets if it holds blanks.
 * 0; -EINVAL: no PAM file can hold it (empty, '#', control characters, a trailing backslash); -ENOMEM.
 */
int pam_argument_quote(const char *argument, char **ret) _must_check_;
