/* SPDX-License-Identifier: BSD-3-Clause OR GPL-2.0-or-later */
#pragma once

/* "Did you mean" among names that do not last while they are gone through, such as those of a directory. Pure. */

#include "config/suggest.h"

#define NEAR_NAME_SIZE 256 /* NAME_MAX and its end */

/* All zero before the first is offered. */
struct near_name {
	struct suggestion best; /* its name is in `name` */
	char name[NEAR_NAME_SIZE];
};

/* Offers one name: kept if it is like `found`, and more so than what was kept. */
void near_name_offer(struct near_name *near, const char *found, const char *name);

/* "; did you mean 'sshd'?", or ""; malloced, NULL when memory ran out. */
char *near_name_hint(const struct near_name *near) _must_check_;
