/* SPDX-License-Identifier: BSD-3-Clause OR GPL-2.0-or-later */
#pragma once

/* Names of capabilities(7), by libcap. Pure. */

#include "common/cleanup.h"

#include <stdint.h>

#define CAPABILITY_ALL "all" /* stands for every capability, those that later kernels have, too */

/*
 * The canonical name, in lower case, of what was written as "CAP_SYS_ADMIN", or CAPABILITY_ALL; malloced. 0; -EINVAL
 * with *ret_problem (malloced sentence); -ENOMEM.
 */
int capability_parse(const char *text, char **ret, char **ret_problem) _must_check_;

/* The order and form in which equal sets are equal lists: sorted, and "all" stands alone. */
void capabilities_normalise(char **names);

/* A bit for each of the canonical names, 1 << CAP_…; all bits for CAPABILITY_ALL. */
uint64_t capabilities_set(char *const *names);

/* "cap_net_raw,cap_sys_admin", "none"; malloced, NULL when memory ran out. */
char *capabilities_names(uint64_t set);
