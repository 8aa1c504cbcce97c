/* SPDX-License-Identifier: BSD-3-Clause OR GPL-2.0-or-later */
#include "tools/sorted.h"

size_t sorted_find(const void *key, const void *items, size_t count, size_t size,
		   int (*compare)(const void *item, const void *key), bool *ret_found)
{
	size_t low = 0, high = count;

	*ret_found = false;
	while (low < high) {
		size_t middle = (low + high) / 2;
		int r = compare((const char *)items + middle * size, key);

		if (r == 0) {
			*ret_found = true;
			return middle;
		}
		if (r < 0)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}
