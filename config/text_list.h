/* SPDX-License-Identifier: BSD-3-Clause OR GPL-2.0-or-later */
#pragma once

/* A NULL-terminated array of malloced strings, each once; NULL is the empty list. Pure. */

#include "common/cleanup.h"

#include <stdbool.h>
#include <stddef.h>

/* Appends a copy of `text` unless the list has it. 0 or -ENOMEM. */
int text_list_add(char ***list, const char *text) _must_check_;

/* Appends copies of all of `other`, which may be NULL. 0 or -ENOMEM. */
int text_list_add_all(char ***list, char *const *other) _must_check_;

bool text_list_has(char *const *list, const char *text);
size_t text_list_count(char *const *list);

/* As a policy file has it: {"a", "b"}; "" for the empty list; malloced, NULL when memory ran out. */
char *text_list_format(char *const *list);

/* The items with `between` between them; malloced, NULL when memory ran out. */
char *text_list_join(char *const *list, const char *between);

char **text_list_free(char **list);
static inline void text_list_freep(char ***list)
{
	*list = text_list_free(*list);
}
