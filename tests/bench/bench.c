/* SPDX-License-Identifier: BSD-3-Clause OR GPL-2.0-or-later */
#include "bench.h"

#include <security/pam_appl.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>

extern char **environ;

double now_us(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (double)now.tv_sec * 1e6 + (double)now.tv_nsec / 1e3;
}

void die(const char *what)
{
	perror(what);
	exit(2);
}

static int silent_conversation(int count, const struct pam_message **messages, struct pam_response **ret, void *data)
{
	(void)messages;
	(void)data;
	*ret = calloc((size_t)count, sizeof(**ret));
	return *ret ? PAM_SUCCESS : PAM_BUF_ERR;
}

double time_module(const char *confdir, const char *service, const char *user)
{
	const struct pam_conv conversation = { silent_conversation, NULL };
	pam_handle_t *pamh;
	double start, end;
	int r = pam_start_confdir(service, user, &conversation, confdir, &pamh);

	if (r != PAM_SUCCESS)
		die("pam_start_confdir");
	start = now_us();
	r = pam_open_session(pamh, 0);
	end = now_us();
	if (r != PAM_SUCCESS) {
		fprintf(stderr, "pam_open_session: %s\n", pam_strerror(pamh, r));
		exit(2);
	}
	if (!pam_getenv(pamh, "NSISOLATE_ID")) {
		fputs("pam_open_session succeeded without a session: the figure would mean nothing\n", stderr);
		exit(2);
	}
	if (pam_close_session(pamh, 0) != PAM_SUCCESS)
		die("pam_close_session");
	pam_end(pamh, PAM_SUCCESS);
	return end - start;
}

void split_command(char *command, char *ret[COMMAND_WORDS_MAX])
{
	size_t count = 0;

	for (char *word; count < COMMAND_WORDS_MAX - 1 && (word = strsep(&command, " "));)
		if (*word)
			ret[count++] = word;
	ret[count] = NULL;
}

double time_command(char *const words[])
{
	const double start = now_us();
	int status = -1, r;
	pid_t pid;

	r = posix_spawnp(&pid, words[0], NULL, NULL, words, environ);
	if (r != 0 || waitpid(pid, &status, 0) < 0 || status != 0) {
		fprintf(stderr, "%s failed: %d\n", words[0], r != 0 ? r : status);
		exit(2);
	}
	return now_us() - start;
}

double time_nothing(void)
{
	static char *const nothing[] = { (char *)"true", NULL };

	return time_command(nothing);
}

static int by_value(const void *left, const void *right)
{
	double a = *(const double *)left, b = *(const double *)right;

	return (a > b) - (a < b);
}

double quantile(double *values, size_t count, double share)
{
	qsort(values, count, sizeof(*values), by_value);
	return values[(size_t)(share * (double)(count - 1))];
}

void print_head(void)
{
	printf("| what | the other isolates | ours: median (fast tenth), us | other: median (fast tenth), us | ours / "
	       "other | "
	       "fast tenths | values |\n|---|---|---|---|---|---|---|\n");
}

void print_row(const char *what, const char *peer_isolates, double *ours, double *peer, size_t count)
{
	const double a = quantile(ours, count, 0.5), fast_a = quantile(ours, count, 0.1);
	const double b = quantile(peer, count, 0.5), fast_b = quantile(peer, count, 0.1);

	printf("| %s | %s | %.0f (%.0f) | %.0f (%.0f) | %.2f | %.2f | %zu |\n", what, peer_isolates, a, fast_a, b,
	       fast_b, a / b, fast_a / fast_b, count);
	(void)fflush(stdout);
}
