/* SPDX-License-Identifier: BSD-3-Clause OR GPL-2.0-or-later */
#pragma once

/* Statements → settings with typed values, and what a whole policy must not combine. */

#include "common/cleanup.h"
#include "config/diagnostics.h"
#include "config/keys.h"
#include "config/parse.h"
#include "config/policy.h"
#include "config/value.h"

struct setting {
	enum policy_key key;
	char *service; /* of the service section that it is in; NULL outside one */
	char *path;    /* of private "PATH" and bind "PATH", normalised; NULL for other keys */
	struct value value;
	bool append; /* to the list of what the file builds on */
	unsigned line;
};

struct settings {
	struct setting *items;
	size_t count;
};

/* Every statement is judged, and every mistake goes to diag. 0; -EBADMSG when there is one; -ENOMEM. */
int settings_check(const char *name, const struct statements *statements, struct settings *ret,
		   struct diagnostics *diag) _must_check_;
void settings_release(struct settings *settings);

/* What does not hold together although each value is valid, defaults included. 0 or -EBADMSG. */
int policy_check(const struct policy *policy, struct diagnostics *diag) _must_check_;
