/* SPDX-License-Identifier: BSD-3-Clause OR GPL-2.0-or-later */

/*
 * Which part of opening a session is reading its policy. For each user in turn, a session is opened by PAM and the
 * same policy is decided by parse-once, in one run (A B A B …). The target is a share of less than 10 % of
 * the medians; like bench-open it is printed and not enforced, since machines are shared and noisy.
 *
 *     bench-parse PARSE-ONCE PAM-CONFDIR SERVICE POLICY-DIRECTORY ROUNDS USER=WHAT...
 */

#include "bench.h"

#include <fcntl.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#define TARGET_PERCENT 10
#define USERS_MAX      8

struct series {
	char *user;
	char *what;
	double *open;
	double *parse;
	double *again;
};

static void time_parse(const char *program, const char *directory, const char *service, struct series *series,
		       size_t round)
{
	char *const arguments[] = { (char *)program, (char *)directory, series->user, (char *)service, NULL };
	char *const environment[] = { NULL };
	posix_spawn_file_actions_t actions;
	FILE *answer;
	int ends[2], status;
	pid_t pid;

	if (pipe2(ends, O_CLOEXEC) < 0 || posix_spawn_file_actions_init(&actions) != 0 ||
	    posix_spawn_file_actions_adddup2(&actions, ends[1], STDOUT_FILENO) != 0 ||
	    posix_spawn(&pid, program, &actions, NULL, arguments, environment) != 0)
		die(program);
	posix_spawn_file_actions_destroy(&actions);
	close(ends[1]);
	answer = fdopen(ends[0], "r");
	if (!answer || fscanf(answer, "%lf %lf", &series->parse[round], &series->again[round]) != 2)
		die(program);
	fclose(answer);
	if (waitpid(pid, &status, 0) != pid || status != 0)
		die(program);
}

static void series_make(char *argument, size_t rounds, struct series *ret)
{
	ret->user = strsep(&argument, "=");
	ret->what = argument ? argument : ret->user;
	ret->open = calloc(rounds + 1, sizeof(double));
	ret->parse = calloc(rounds + 1, sizeof(double));
	ret->again = calloc(rounds + 1, sizeof(double));
	if (!ret->open || !ret->parse || !ret->again)
		die("calloc");
}

/* Others that use the machine slow an opening, with its several processes, more than parsing: hence the fast tenth,
 * too. */
static void series_print(struct series *series, size_t rounds)
{
	double open = quantile(series->open, rounds, 0.5), parse = quantile(series->parse, rounds, 0.5);
	double fast_open = quantile(series->open, rounds, 0.1), fast_parse = quantile(series->parse, rounds, 0.1);

	printf("%-40s %9.0f %9.0f %9.0f %8.1f %% %9.0f %9.0f %8.1f %%\n", series->what, open, parse,
	       quantile(series->again, rounds, 0.5), 100 * parse / open, fast_open, fast_parse,
	       100 * fast_parse / fast_open);
	free(series->open);
	free(series->parse);
	free(series->again);
}

int main(int argc, char **argv)
{
	struct series series[USERS_MAX] = { 0 };
	size_t count = argc > 6 ? (size_t)argc - 6 : 0;
	size_t rounds = count > 0 ? strtoul(argv[5], NULL, 10) : 0;

	if (rounds == 0 || count > USERS_MAX) {
		fprintf(stderr, "usage: %s PARSE-ONCE PAM-CONFDIR SERVICE POLICY-DIRECTORY ROUNDS USER=WHAT...\n",
			argv[0]);
		return 2;
	}
	for (size_t i = 0; i < count; i++)
		series_make(argv[6 + i], rounds, &series[i]);
	/* the first round does not count: it is overwritten by the second */
	for (size_t round = 0; round <= rounds; round++) {
		size_t slot = round > 0 ? round - 1 : 0;

		for (size_t i = 0; i < count; i++) {
			series[i].open[slot] = time_module(argv[2], argv[3], series[i].user);
			time_parse(argv[1], argv[4], argv[3], &series[i], slot);
		}
	}
	printf("%-40s %9s %9s %9s %10s %9s %9s %10s  (us, %zu rounds, ABAB)\n", "medians, then the fast tenth",
	       "opening", "parsing", "warm", "share", "opening", "parsing", "share", rounds);
	for (size_t i = 0; i < count; i++)
		series_print(&series[i], rounds);
	printf("target: less than %d %% of opening a session\n", TARGET_PERCENT);
	return 0;
}
