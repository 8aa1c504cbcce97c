/* SPDX-License-Identifier: BSD-3-Clause OR GPL-2.0-or-later */
#pragma once

/* Settings of files over the built-in defaults: the effective policy, with its origins and hash. */

#include "common/cleanup.h"
#include "config/check.h"
#include "config/policy.h"

/* What one file says. */
struct layer {
	char *file;
	struct settings settings;
};

/*
 * layers[0] is the file that decides, each following one what the one before builds on: the nearer key wins, and a
 * key for `service` (NULL: none) over one for all. 0; -EBADMSG with diag; -ENOMEM.
 */
int policy_merge(const struct layer *layers, size_t count, const char *service, struct policy **ret,
		 struct diagnostics *diag) _must_check_;

/* Adds the services that have a section of their own to a text list. 0 or -ENOMEM. */
int layers_sections(const struct layer *layers, size_t count, char ***services) _must_check_;
