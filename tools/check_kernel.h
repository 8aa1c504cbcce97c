/* SPDX-License-Identifier: BSD-3-Clause OR GPL-2.0-or-later */
#pragma once

/* Whether this kernel can carry out the plan of every policy file: needs are collected while the files are linted. */

#include "config/diagnostics.h"
#include "session/probe.h"

struct kernel_needs {
	uint32_t needs;      /* of all plans */
	char *first[PROBES]; /* the first policy file that has this need */
	int error;           /* -errno: a plan could not be made */
};

/* A policy_visitor's function; the context is a struct kernel_needs. A policy that isolates nobody needs nothing. */
void kernel_needs_add(void *context, const struct policy *policy, const char *service);
void kernel_needs_release(struct kernel_needs *needs);

/* Probes the kernel, for the built-in defaults where no file isolates anybody. 0 or -errno. */
int check_kernel(struct kernel_needs *needs, struct diagnostics *diag) _must_check_;
