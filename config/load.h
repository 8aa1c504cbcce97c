/* SPDX-License-Identifier: BSD-3-Clause OR GPL-2.0-or-later */
#pragma once

/* A policy file and those that it extends, each read and checked by itself. */

#include "common/cleanup.h"
#include "config/diagnostics.h"
#include "config/find.h"
#include "config/merge.h"

#define EXTENDS_MAX 8 /* files that one builds on, in all */

struct layers {
	struct layer *items; /* the file itself, then what it extends, and so on */
	size_t count;
};

/*
 * `name` is the file's below `root`, and `fd` or `text` what is in it. 0; -EBADMSG with diag, after a mistake in any of
 * them, a loop, or a file that cannot be opened; -ENOMEM.
 */
int layers_load(const struct policy_root *root, const char *name, int fd, struct layers *ret,
		struct diagnostics *diag) _must_check_;
int layers_load_text(const struct policy_root *root, const char *name, const char *text, size_t size,
		     struct layers *ret, struct diagnostics *diag) _must_check_;
void layers_release(struct layers *layers);
