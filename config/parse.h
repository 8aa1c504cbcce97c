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
	char *title;         /* of the section that it is or is in; NULL outside titled sections */
	bool append;         /* += */
	char **values;
	size_t value_count; /* 1 except for lists */
	unsigned line;
};

struct statements {
	struct statement *items;
	size_t count;
};

/*
 * 0; -EBADMSG when the text is no policy: an unknown key, a key or section
 * given twice, a mistake of syntax; diag says which; -ENOMEM. `name` is the file's, for messages.
 */
int policy_parse(const char *name, const char *text, size_t size, struct statements *ret,
		 struct diagnostics *diag) _must_check_;
void statements_release(struct statements *statements);
