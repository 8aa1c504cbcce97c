/* SPDX-License-Identifier: BSD-3-Clause OR GPL-2.0-or-later */

/*
 * Which part of opening a session is reading its policy. Sessions are opened by PAM, for each user in turn, with
 * timed-helper in the helper's place: both figures are of the same login. The target is a share of less than 10 %
 * of the medians; like bench-open it is printed and not enforced, since machines are shared and noisy.
 *
 *     bench-parse PAM-CONFDIR SERVICE ROUNDS USER=WHAT...
 */

#include "bench-parse.h"

#include "bench.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define TARGET_PERCENT 10
#define USERS_MAX      8

struct series {
	char *user;
	char *what;
	double *open;
	double *parse;
};

static void series_make(char *argument, size_t rounds, struct series *ret)
{
	ret->user = strsep(&argument, "=");
	ret->what = argument ? argument : ret->user;
	ret->open = calloc(rounds + 1, sizeof(double));
	ret->parse = calloc(rounds + 1, sizeof(double));
	if (!ret->open || !ret->parse)
		die("calloc");
}

/* Others that use the machine slow an opening, with its several processes, more than parsing: hence the fast tenth,
 * too. */
static void series_print(struct series *series, size_t rounds)
{
	double open = quantile(series->open, rounds, 0.5), parse = quantile(series->parse, rounds, 0.5);
	double fast_open = quantile(series->open, rounds, 0.1), fast_parse = quantile(series->parse, rounds, 0.1);

	printf("%-40s %9.0f %9.0f %8.1f %% %9.0f %9.0f %8.1f %%\n", series->what, open, parse, 100 * parse / open,
	       fast_open, fast_parse, 100 * fast_parse / fast_open);
	free(series->open);
	free(series->parse);
}

static void measure(int figure, const char *confdir, const char *service, struct series *series, size_t slot)
{
	if (ftruncate(figure, 0) < 0)
		die("ftruncate");
	series->open[slot] = time_module(confdir, service, series->user);
	if (pread(figure, &series->parse[slot], sizeof(double), 0) != sizeof(double))
		die("the helper did not leave its figure");
}

int main(int argc, char **argv)
{
	struct series series[USERS_MAX] = { 0 };
	size_t count = argc > 4 ? (size_t)argc - 4 : 0;
	size_t rounds = count > 0 ? strtoul(argv[3], NULL, 10) : 0;
	_cleanup_close_ int figure = open(BENCH_PARSE_TIME, O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);

	if (rounds == 0 || count > USERS_MAX || figure < 0) {
		fprintf(stderr, "usage: %s PAM-CONFDIR SERVICE ROUNDS USER=WHAT...\n", argv[0]);
		return 2;
	}
	for (size_t i = 0; i < count; i++)
		series_make(argv[4 + i], rounds, &series[i]);
	/* the first round does not count: it is overwritten by the second */
	for (size_t round = 0; round <= rounds; round++)
		for (size_t i = 0; i < count; i++)
			measure(figure, argv[1], argv[2], &series[i], round > 0 ? round - 1 : 0);
	printf("%-40s %9s %9s %10s %9s %9s %10s  (us, %zu rounds)\n", "medians, then the fast tenth", "opening",
	       "parsing", "share", "opening", "parsing", "share", rounds);
	for (size_t i = 0; i < count; i++)
		series_print(&series[i], rounds);
	printf("target: less than %d %% of opening a session\n", TARGET_PERCENT);
	return 0;
}
