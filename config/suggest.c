/* SPDX-License-Identifier: BSD-3-Clause OR GPL-2.0-or-later */
#include "config/suggest.h"

#include <string.h>

#define WORD_MAX 63

static unsigned min3(unsigned a, unsigned b, unsigned c)
{
	unsigned least = a < b ? a : b;

	return least < c ? least : c;
}

unsigned edit_distance(const char *a, const char *b, unsigned limit)
{
	size_t length_a = strlen(a), length_b = strlen(b);
	unsigned rows[3][WORD_MAX + 1];
	unsigned *before = rows[0], *above = rows[1], *row = rows[2];

	if (length_a > WORD_MAX || length_b > WORD_MAX)
		return limit + 1;
	for (size_t j = 0; j <= length_b; j++)
		above[j] = (unsigned)j;
	for (size_t i = 1; i <= length_a; i++) {
		unsigned *oldest = before;

		row[0] = (unsigned)i;
		for (size_t j = 1; j <= length_b; j++) {
			row[j] = min3(above[j] + 1, row[j - 1] + 1, above[j - 1] + (a[i - 1] != b[j - 1]));
			if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1] &&
			    before[j - 2] + 1 < row[j])
				row[j] = before[j - 2] + 1;
		}
		before = above;
		above = row;
		row = oldest;
	}
	return above[length_b] > limit ? limit + 1 : above[length_b];
}

void suggest(struct suggestion *best, const char *found, const char *name)
{
	unsigned distance = edit_distance(found, name, SUGGEST_DISTANCE);

	/* half of a short word is no likeness */
	if (distance > SUGGEST_DISTANCE || 2 * distance >= strlen(name))
		return;
	if (!best->name || distance < best->distance)
		*best = (struct suggestion){ .name = name, .distance = distance };
}
