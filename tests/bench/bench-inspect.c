/* SPDX-License-Identifier: BSD-3-Clause OR GPL-2.0-or-later */

/*
 * nsinspect beside lsns(8), in turns, on the same host: real sessions, each with a shell, among as many processes as
 * asked for. Whole processes are timed, from their start to their end. bench-inspect SESSIONS ROUNDS PROCESSES...
 */

#include "bench/bench.h"
#include "common/cleanup.h"
#include "soak/login.h"
#include "soak/stage.h"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/wait.h>

#define ROUNDS_MAX 1000
#define SETTLE_MS  1500
#define OPEN_MS    60000

extern char **environ;

static const struct subject {
	const char *name;
	const char *const words[6];
} subjects[] = {
	{ "lsns", { "lsns" } },
	{ "list", { "nsinspect", "list" } },
	{ "list +PROCS", { "nsinspect", "list", "-o", "+PROCS" } },
	{ "ps", { "nsinspect", "ps" } },
	/* nothing is wrong with these sessions, so there is no second look */
	{ "audit, one look", { "nsinspect", "audit", "--hurried" } },
};

struct figures {
	double wall[ROUNDS_MAX], cpu[ROUNDS_MAX]; /* ms */
};

static double milliseconds(struct timeval time)
{
	return (double)time.tv_sec * 1e3 + (double)time.tv_usec / 1e3;
}

/* Once, its output thrown away. 1 is a status of findings. */
static void measure(const struct subject *subject, double *ret_wall, double *ret_cpu)
{
	posix_spawn_file_actions_t actions;
	struct rusage usage;
	int status = 0;
	pid_t pid;
	double begin = now_us();

	(void)posix_spawn_file_actions_init(&actions);
	(void)posix_spawn_file_actions_addopen(&actions, STDOUT_FILENO, "/dev/null", O_WRONLY, 0);
	if (posix_spawnp(&pid, subject->words[0], &actions, NULL, (char *const *)subject->words, environ) != 0)
		die(subject->words[0]);
	if (wait4(pid, &status, 0, &usage) < 0)
		die("wait4");
	*ret_wall = (now_us() - begin) / 1e3;
	*ret_cpu = milliseconds(usage.ru_utime) + milliseconds(usage.ru_stime);
	(void)posix_spawn_file_actions_destroy(&actions);
	if (!WIFEXITED(status) || WEXITSTATUS(status) > 1) {
		(void)fprintf(stderr, "%s failed: %d\n", subject->name, status);
		exit(2);
	}
}

static pid_t start_session(unsigned number, int hold, int keep, struct login_result *result)
{
	const struct login_order order = {
		.kind = LOGIN_DEFAULT, .end = END_BY_CLOSE, .user = number % STAGE_USERS, .hold = hold, .shell = true
	};
	pid_t pid = fork();

	if (pid == 0) {
		close_fd(keep);
		login_run(&order, result);
	}
	return pid;
}

static void open_sessions(unsigned count, int hold, int keep)
{
	struct login_result *results =
		mmap(NULL, count * sizeof(*results), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);

	if (results == MAP_FAILED)
		die("mmap");
	for (unsigned i = 0; i < count; i++) {
		double until = now_us() + OPEN_MS * 1e3;

		if (start_session(i, hold, keep, &results[i]) < 0)
			die("fork");
		while (results[i].state == LOGIN_OPENING && now_us() < until)
			(void)poll(NULL, 0, 1);
		if (results[i].state != LOGIN_INSIDE || !results[i].isolated) {
			(void)fprintf(stderr, "session %u was not opened\n", i);
			exit(2);
		}
	}
}

static unsigned count_processes(void)
{
	_cleanup_(closedirp) DIR *proc = opendir("/proc");
	const struct dirent *entry;
	unsigned count = 0;

	while (proc && (entry = readdir(proc)))
		count += entry->d_name[0] >= '1' && entry->d_name[0] <= '9' ? 1 : 0;
	return count;
}

/* As many more as are missing, each doing nothing. */
static void fill(unsigned processes)
{
	for (unsigned count = count_processes(); count < processes; count++) {
		pid_t pid = fork();

		if (pid < 0)
			die("fork");
		if (pid == 0) {
			(void)prctl(PR_SET_PDEATHSIG, SIGKILL);
			for (;;)
				(void)pause();
		}
	}
}

static void compare(unsigned rounds, unsigned sessions)
{
	static struct figures figures[ELEMENTS(subjects)];
	double lsns;

	for (unsigned round = 0; round < rounds; round++)
		for (size_t i = 0; i < ELEMENTS(subjects); i++)
			measure(&subjects[i], &figures[i].wall[round], &figures[i].cpu[round]);
	lsns = quantile(figures[0].wall, rounds, 0.5);
	printf("%u processes, %u sessions, medians of %u:\n", count_processes(), sessions, rounds);
	for (size_t i = 0; i < ELEMENTS(subjects); i++) {
		double wall = quantile(figures[i].wall, rounds, 0.5);

		printf("  %-16s %9.2f ms, %9.2f ms of CPU, 1/%.1f of lsns\n", subjects[i].name, wall,
		       quantile(figures[i].cpu, rounds, 0.5), lsns / wall);
	}
	(void)fflush(stdout);
}

int main(int argc, char **argv)
{
	unsigned sessions, rounds;
	int hold[2];

	if (argc < 4)
		return 2;
	sessions = (unsigned)strtoul(argv[1], NULL, 10);
	rounds = (unsigned)strtoul(argv[2], NULL, 10);
	if (rounds == 0 || rounds > ROUNDS_MAX || sessions == 0 || pipe(hold) < 0)
		return 2;
	stage_make();
	open_sessions(sessions, hold[0], hold[1]);
	for (int i = 3; i < argc; i++) {
		fill((unsigned)strtoul(argv[i], NULL, 10));
		(void)poll(NULL, 0, SETTLE_MS);
		compare(rounds, sessions);
	}
	return 0;
}
