/* SPDX-License-Identifier: BSD-3-Clause OR GPL-2.0-or-later */
#include "tools/capability_text.h"

#include <stdbool.h>
#include <string.h>
#include <sys/capability.h>

static void put_name(FILE *out, int number)
{
	char *name = cap_to_name(number);

	if (name)
		(void)fputs(strncmp(name, "cap_", 4) == 0 ? name + 4 : name, out);
	else
		(void)fprintf(out, "%d", number);
	(void)cap_free(name);
}

static void put_names(FILE *out, uint64_t set)
{
	bool first = true;

	for (int number = 0; number < 64; number++) {
		if (!(set >> number & 1))
			continue;
		if (!first)
			(void)fputc(',', out);
		put_name(out, number);
		first = false;
	}
}

char *capability_text(uint64_t set)
{
	const int count = cap_max_bits();
	const uint64_t all = count >= 64 ? UINT64_MAX : (UINT64_C(1) << count) - 1;
	_cleanup_free_ char *text = NULL;
	size_t size = 0;
	FILE *out = open_memstream(&text, &size);

	if (!out)
		return NULL;
	if (set == 0) {
		(void)fputs("none", out);
	} else if ((set & all) == all) {
		(void)fputs("all", out);
	} else if (__builtin_popcountll(set) * 2 > count) {
		(void)fputs("all but ", out);
		put_names(out, all & ~set);
	} else {
		put_names(out, set);
	}
	return fclose(out) == 0 ? TAKE_PTR(text) : NULL;
}
