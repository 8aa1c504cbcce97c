/* SPDX-License-Identifier: BSD-3-Clause OR GPL-2.0-or-later */
#pragma once

#include <stdbool.h>
#include <stddef.h>

/*
 * As bsearch(3), but the index: of the item that is like the key, or where one would be put, which *ret_found tells.
 * `compare` is given the item, then the key.
 */
size_t sorted_find(const void *key, const void *items, size_t count, size_t size,
		   int (*compare)(const void *item, const void *key), bool *ret_found);
