/* SPDX-License-Identifier: BSD-3-Clause OR GPL-2.0-or-later */
#pragma once

/* What the parts of plan_compare.h share. */

#include "tools/plan_compare.h"

struct comparison {
	const struct session *session;
	pid_t init;
	int root; /* of the init */
	const struct plan *plan;
	const struct mount_list *host;
	struct mount_list mounts;
	uint64_t network;            /* inode number of its network namespace */
	const char *addresses;       /* of its interface, as the record has them */
	const struct inside *inside; /* NULL: not known */
	plan_visitor visit;
	void *data;
};

/* Hands one step over: what the kernel has, NULL for nothing, and with a format what differs. */
int tell(const struct comparison *comparison, const struct step *step, enum plan_part part, const char *kernel,
	 const char *format, ...) _printf_(5, 6);

/* One step each, as plan_compare() does it. */
int plan_compare_cgroups(const struct comparison *comparison, const struct step *step) _must_check_;
int plan_compare_user_map(const struct comparison *comparison, const struct step *step) _must_check_;
int plan_compare_time(const struct comparison *comparison, const struct step *step) _must_check_;
