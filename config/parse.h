/* SPDX-License-Identifier: BSD-3-Clause OR GPL-2.0-or-later */
#pragma once

/* Text of one policy file → its statements in order. Untyped: check.h turns values into what they mean. */

#include "common/cleanup.h"
#include "config/diagnostics.h"
#include "config/keys.h"

#include <stdbool.h>
#include <stddef.h>

struct statement {
	enum policy_key key; /* a VALUE_SECTION key stands for the section as such, and has no values */
	const char *service; /* title of the service section that it is in, whose statement has it; NULL outside one */
	char *title;         /* of the section that it is or is in; NULL outside titled sections */
	bool append;         /* += */
	char **values;       /* one block with their text */
	size_t value_count;  /* 1 except for lists */
	unsigned line;
};

struct statements {
	struct statement *items;
	size_t count;
};

/* The statements are only some of the file's: the rest is wrong. The file must be refused once their values are judged.
 */
#define PARSE_INCOMPLETE 1

/*
 * 0; PARSE_INCOMPLETE after an unknown or misused key, or one given twice, with what else the file says in *ret;
 * -EBADMSG after a mistake that leaves nothing to read; in both cases diag says what is wrong. -ENOMEM. `name` is the
 * file's, for messages.
 */
int policy_parse(const char *name, const char *text, size_t size, struct statements *ret,
		 struct diagnostics *diag) _must_check_;
void statements_release(struct statements *statements);
