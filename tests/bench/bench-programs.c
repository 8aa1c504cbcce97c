/* SPDX-License-Identifier: BSD-3-Clause OR GPL-2.0-or-later */

/*
 * Two commands in turns, each from its start to its end, with true(1) between them: the median of that is taken off,
 * since it is what starting any program costs.
 *
 *     bench-programs ROUNDS LABEL ISOLATES OURS OTHER        each command in one word, its arguments apart by blanks
 */

#include "bench.h"

int main(int argc, char **argv)
{
	const size_t rounds = argc == 6 ? strtoul(argv[1], NULL, 10) : 0;
	_cleanup_free_ double *ours = calloc(rounds + 1, sizeof(*ours));
	_cleanup_free_ double *other = calloc(rounds + 1, sizeof(*other));
	_cleanup_free_ double *start = calloc(rounds + 1, sizeof(*start));
	char *words[2][COMMAND_WORDS_MAX];
	double spawn;

	if (rounds == 0 || !ours || !other || !start) {
		fprintf(stderr, "usage: %s ROUNDS LABEL ISOLATES OURS OTHER\n", argv[0]);
		return 2;
	}
	split_command(argv[4], words[0]);
	split_command(argv[5], words[1]);
	for (size_t i = 0; i < rounds; i++) {
		ours[i] = time_command(words[0]);
		start[i] = time_nothing();
		other[i] = time_command(words[1]);
	}
	spawn = quantile(start, rounds, 0.5);
	for (size_t i = 0; i < rounds; i++) {
		ours[i] -= spawn;
		other[i] -= spawn;
	}
	print_row(argv[2], argv[3], ours, other, rounds);
	return 0;
}
