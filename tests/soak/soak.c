/* SPDX-License-Identifier: BSD-3-Clause OR GPL-2.0-or-later */

/*
 * soak [--alive N] [--cycles N] [--at-once N] [--seed S]: opens many sessions with the installed module, at once
 * and one after another, kills some, and compares what there is before and after. Inside the sandbox only. Exits 1
 * when something is left or does not go as it should. The seed decides what is done, and to whom what happens; how
 * that meets in time is the kernel's choice.
 */

#include "soak/soak.h"

#include "bench/bench.h"
#include "soak/census.h"
#include "soak/stage.h"

#include <getopt.h>
#include <poll.h>
#include <security/pam_appl.h>
#include <signal.h>
#include <stdarg.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/random.h>
#include <sys/resource.h>
#include <sys/wait.h>

#define PROGRESS_SECONDS 3
#define GONE_SECONDS     90
#define LOOK_MS          250

static double begun;

double soak_seconds(void)
{
	return (now_us() - begun) / 1e6;
}

bool soak_progress_due(void)
{
	static double next = PROGRESS_SECONDS;

	if (soak_seconds() < next)
		return false;
	next = soak_seconds() + PROGRESS_SECONDS;
	return true;
}

/* xorshift64*: the same everywhere for a seed. */
unsigned soak_random(struct soak *soak, unsigned below)
{
	soak->random ^= soak->random >> 12;
	soak->random ^= soak->random << 25;
	soak->random ^= soak->random >> 27;
	return (unsigned)((soak->random * 2685821657736338717ULL) >> 33) % below;
}

void soak_complain(struct soak *soak, const char *format, ...)
{
	va_list arguments;

	va_start(arguments, format);
	printf("%5.0f s  FAILED: ", soak_seconds());
	vprintf(format, arguments);
	putchar('\n');
	va_end(arguments);
	soak->failed = true;
}

pid_t soak_login(const struct login_order *order, struct login_result *result, int closed)
{
	pid_t pid;

	*result = (struct login_result){ 0 };
	pid = fork();
	if (pid < 0)
		die("fork");
	if (pid == 0) {
		close_fd(closed);
		login_run(order, result);
	}
	return pid;
}

/* What ends without a login process that sees it leaves a record, which later openings remove. */
static void sweep(struct soak *soak)
{
	const long ended = count_records(), sockets = count_join_sockets();
	long openings = 0;

	while ((count_records() > 0 || count_join_sockets() > 0) && openings < 50 + ended) {
		/* sockets of a user go with logins of that user */
		const struct login_order order = {
			.kind = openings % 2 == 0 ? LOGIN_DEFAULT : LOGIN_SHARED,
			.user = (unsigned)openings / 2 % STAGE_SHARING_USERS,
			.hold = -1,
		};

		(void)waitpid(soak_login(&order, &soak->results[0], -1), NULL, 0);
		openings++;
	}
	printf("%5.0f s  records of ended sessions: %ld, and %ld sockets; after %ld openings %ld and %ld\n",
	       soak_seconds(), ended, sockets, openings, count_records(), count_join_sockets());
}

/* Namespaces and their memory go in the background, and sessions that wait for a process look from time to time. */
static void compare(struct soak *soak, const struct census *before)
{
	const double until = soak_seconds() + GONE_SECONDS;
	pid_t left[1];
	struct census after;

	while (find_processes("nsisolate-init", left, ELEMENTS(left)) > 0 && soak_seconds() < until)
		(void)poll(NULL, 0, LOOK_MS);
	printf("%5.0f s  the last session has ended\n", soak_seconds());
	sweep(soak);
	do {
		(void)poll(NULL, 0, LOOK_MS);
		census_take(&after);
	} while (!census_compare(before, &after, false) && soak_seconds() < until);
	printf("%5.0f s  %-34s %6s %10s\n", soak_seconds(), "count", "before", "after");
	if (!census_compare(before, &after, true))
		soak_complain(soak, "something is left");
	print_join_sockets();
}

static void print_log(struct soak *soak)
{
	const struct stage_log *log = stage_log();
	unsigned long unexpected;

	printf("  logged: opened %lu, joined %lu, closed %lu, left %lu, denied %lu, refused %lu, failed to close %lu\n",
	       log->opened, log->joined, log->closed, log->left, log->denied, log->refused, log->close_failed);
	unexpected = stage_print_reasons();
	if (unexpected > 0)
		soak_complain(soak, "%lu refusals have another reason than what was killed", unexpected);
}

static unsigned number(const char *text)
{
	char *end;
	unsigned long value = strtoul(text, &end, 10);

	if (!*text || *end || value > 1000000) {
		fprintf(stderr, "not a number: %s\n", text);
		exit(2);
	}
	return (unsigned)value;
}

static void read_options(struct soak *soak, uint64_t *seed, int argc, char **argv)
{
	static const struct option options[] = {
		{ "alive", required_argument, NULL, 'a' },
		{ "cycles", required_argument, NULL, 'c' },
		{ "at-once", required_argument, NULL, 'o' },
		{ "seed", required_argument, NULL, 's' },
		{ 0 },
	};
	int option;

	while ((option = getopt_long(argc, argv, "", options, NULL)) >= 0) {
		switch (option) {
		case 'a':
			soak->alive = number(optarg);
			break;
		case 'c':
			soak->cycles = number(optarg);
			break;
		case 'o':
			soak->at_once = number(optarg);
			break;
		case 's':
			*seed = strtoull(optarg, NULL, 10);
			break;
		default:
			exit(2);
		}
	}
	if (soak->at_once == 0)
		soak->at_once = 1;
}

static void raise_limits(void)
{
	const struct rlimit none = { RLIM_INFINITY, RLIM_INFINITY };

	(void)setrlimit(RLIMIT_NPROC, &none);
	/* what a login inherits */
	(void)signal(SIGPIPE, SIG_DFL);
}

int main(int argc, char **argv)
{
	struct soak soak = { .alive = 100, .cycles = 400, .at_once = 10 };
	const struct login_order first = { .kind = LOGIN_DEFAULT, .hold = -1 };
	struct census before;
	uint64_t seed = 0;

	if (getrandom(&seed, sizeof(uint32_t), 0) < 0)
		seed = 1;
	read_options(&soak, &seed, argc, argv);
	begun = now_us();
	setvbuf(stdout, NULL, _IOLBF, 0);
	soak.random = seed * 2 + 1;
	stage_make();
	raise_limits();
	soak.results = mmap(NULL, (soak.alive + soak.at_once + 1) * sizeof(*soak.results), PROT_READ | PROT_WRITE,
			    MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (soak.results == MAP_FAILED)
		die("mmap");
	printf("soak: --alive %u --cycles %u --at-once %u --seed %llu\n", soak.alive, soak.cycles, soak.at_once,
	       (unsigned long long)seed);
	/* makes directories and caches that stay */
	(void)waitpid(soak_login(&first, &soak.results[0], -1), NULL, 0);
	(void)poll(NULL, 0, LOOK_MS);
	census_take(&before);
	soak_alive(&soak);
	soak_cycles(&soak);
	compare(&soak, &before);
	print_log(&soak);
	printf("soak: %s\n", soak.failed ? "FAILED" : "ok");
	return soak.failed ? 1 : 0;
}
