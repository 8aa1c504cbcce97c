/* SPDX-License-Identifier: BSD-3-Clause OR GPL-2.0-or-later */
#include "soak/soak.h"

#include "bench/bench.h"
#include "soak/census.h"
#include "soak/stage.h"

#include <fcntl.h>
#include <poll.h>
#include <security/pam_appl.h>
#include <signal.h>
#include <sys/wait.h>

#define COMPARED_MAX    500 /* ordinary logins, whose memory is measured for comparison */
#define JUDGED_MIN      100
#define STALLED_SECONDS 60
#define TICK_MS         1
#define SETTLE_MS       1500 /* what ends in the background, and counts that lag */

/* What the kernel has for processes and namespaces, beside the memory of the processes. */
static const char *const kernel_lines[] = { "Slab", "Percpu", "KernelStack", "PageTables", "Shmem" };

struct memory {
	long in_use, kernel; /* kB */
};

struct crowd {
	struct soak *soak;
	unsigned count, begun;
	pid_t *pids;
	int hold[2];
};

static struct memory measure(void)
{
	struct memory memory = { .in_use = memory_kb("MemTotal") - memory_kb("MemAvailable") };

	for (size_t i = 0; i < ELEMENTS(kernel_lines); i++)
		memory.kernel += memory_kb(kernel_lines[i]);
	return memory;
}

static unsigned count_state(const struct crowd *crowd, enum login_state state)
{
	unsigned count = 0;

	for (unsigned i = 0; i < crowd->begun; i++)
		count += crowd->soak->results[i].state == state;
	return count;
}

static void show(const struct crowd *crowd, const char *what)
{
	printf("%5.0f s  %s: begun %u of %u, inside %u, refused %u\n", soak_seconds(), what, crowd->begun, crowd->count,
	       count_state(crowd, LOGIN_INSIDE), count_state(crowd, LOGIN_REFUSED));
}

static bool raise_crowd(struct crowd *crowd, enum login_kind kind, const char *what)
{
	double last = soak_seconds();

	if (pipe2(crowd->hold, O_CLOEXEC) < 0)
		die("pipe2");
	for (;;) {
		unsigned opening = count_state(crowd, LOGIN_OPENING);
		const struct login_order order = {
			.kind = kind,
			.user = crowd->begun % STAGE_USERS,
			.hold = crowd->hold[0],
			.shell = true,
		};

		if (crowd->begun == crowd->count && opening == 0)
			return true;
		if (soak_progress_due())
			show(crowd, what);
		if (crowd->begun < crowd->count && opening < crowd->soak->at_once) {
			crowd->pids[crowd->begun] =
				soak_login(&order, &crowd->soak->results[crowd->begun], crowd->hold[1]);
			crowd->begun++;
			last = soak_seconds();
			continue;
		}
		if (soak_seconds() - last > STALLED_SECONDS) {
			soak_complain(crowd->soak, "%u logins have not come in for %d seconds", opening,
				      STALLED_SECONDS);
			return false;
		}
		(void)poll(NULL, 0, TICK_MS);
	}
}

/* All at once, as when a host shuts down. */
static void end_crowd(struct crowd *crowd)
{
	unsigned failed = 0, unclosed = 0;
	double begin;

	close_fd(crowd->hold[1]);
	close_fd(crowd->hold[0]);
	begin = soak_seconds();
	for (unsigned i = 0; i < crowd->begun; i++) {
		int status = -1;

		if (waitpid(crowd->pids[i], &status, 0) < 0 || status != 0)
			failed++;
		unclosed += crowd->soak->results[i].close != PAM_SUCCESS;
	}
	printf("%5.0f s  all %u closed within %.1f s\n", soak_seconds(), crowd->begun, soak_seconds() - begin);
	if (failed > 0 || unclosed > 0)
		soak_complain(crowd->soak, "%u logins ended badly, %u could not be closed", failed, unclosed);
}

static void print_times(const struct crowd *crowd, unsigned from, unsigned to, const char *what)
{
	_cleanup_free_ double *values = calloc(to - from, sizeof(*values));

	if (!values)
		die("calloc");
	for (unsigned i = from; i < to; i++)
		values[i - from] = crowd->soak->results[i].open_us / 1000;
	printf("  time of opening, %-24s median %6.1f ms, p90 %6.1f ms, p99 %6.1f ms\n", what,
	       quantile(values, to - from, 0.5), quantile(values, to - from, 0.9), quantile(values, to - from, 0.99));
}

struct shares {
	double login, shell, init, init_max;
};

static struct shares add_up(const struct crowd *crowd)
{
	_cleanup_free_ pid_t *inits = calloc(2 * crowd->count + 1, sizeof(*inits));
	struct shares shares = { 0 };
	size_t count;

	if (!inits)
		die("calloc");
	count = find_processes("nsisolate-init", inits, 2 * crowd->count);
	for (size_t i = 0; i < count; i++) {
		double pss = (double)pss_kb(inits[i]);

		shares.init += pss / (double)count;
		shares.init_max = pss > shares.init_max ? pss : shares.init_max;
	}
	for (unsigned i = 0; i < crowd->begun; i++) {
		shares.login += (double)pss_kb(crowd->pids[i]) / crowd->begun;
		shares.shell += (double)pss_kb(crowd->soak->results[i].shell) / crowd->begun;
	}
	return shares;
}

/* kB of a login, by what the kernel says is available and by what can be named. */
static double print_memory(const struct crowd *crowd, struct memory before, const char *what, double *ret_named)
{
	struct memory after = measure();
	struct shares shares = add_up(crowd);
	double total = (double)(after.in_use - before.in_use) / crowd->begun;
	double kernel = (double)(after.kernel - before.kernel) / crowd->begun;

	*ret_named = kernel + shares.login + shares.shell + shares.init;
	printf("  memory of %-20s %7.1f kB; named %7.1f kB: login process %.1f, shell %.1f, init %.1f (at most %.0f), "
	       "kernel %.1f\n",
	       what, total, *ret_named, shares.login, shares.shell, shares.init, shares.init_max, kernel);
	/* of few, each has more of the pages that all share */
	if (crowd->begun >= JUDGED_MIN && shares.init >= 100)
		soak_complain(crowd->soak, "an init has %.1f kB, not less than 100", shares.init);
	return total;
}

/* At the peak: one login that max-sessions refuses, since its user has others, and one more of everybody's kind. */
static void try_one_more(const struct crowd *crowd)
{
	static const enum login_kind kinds[] = { LOGIN_FULL, LOGIN_DEFAULT };

	for (size_t i = 0; i < ELEMENTS(kinds); i++) {
		const struct login_order order = { .kind = kinds[i], .hold = -1 };
		struct login_result *result = &crowd->soak->results[crowd->count];
		pid_t pid = soak_login(&order, result, crowd->hold[1]);
		bool opened;

		(void)waitpid(pid, NULL, 0);
		opened = result->isolated;
		printf("  one more, %s: %s\n", login_service(kinds[i]), opened ? "opened" : "refused");
		if (opened != (kinds[i] == LOGIN_DEFAULT))
			soak_complain(crowd->soak, "%s: unexpected at the peak", login_service(kinds[i]));
	}
}

static void compare(struct soak *soak)
{
	struct crowd crowd = { .soak = soak, .count = soak->alive < COMPARED_MAX ? soak->alive : COMPARED_MAX };
	struct memory before = measure();
	double named;

	crowd.pids = calloc(crowd.count, sizeof(*crowd.pids));
	if (!crowd.pids)
		die("calloc");
	if (raise_crowd(&crowd, LOGIN_OFF, "ordinary logins"))
		(void)print_memory(&crowd, before, "an ordinary login", &named);
	end_crowd(&crowd);
	free(crowd.pids);
}

static void raise_sessions(struct soak *soak)
{
	struct crowd crowd = { .soak = soak, .count = soak->alive };
	const unsigned part = soak->alive < 10 ? soak->alive : soak->alive / 10;
	struct memory before = measure();
	double total, named;

	crowd.pids = calloc(crowd.count, sizeof(*crowd.pids));
	if (!crowd.pids)
		die("calloc");
	if (raise_crowd(&crowd, LOGIN_DEFAULT, "sessions at once")) {
		show(&crowd, "sessions at once");
		if (count_state(&crowd, LOGIN_INSIDE) != crowd.count)
			soak_complain(soak, "%u of %u logins are not inside",
				      crowd.count - count_state(&crowd, LOGIN_INSIDE), crowd.count);
		(void)poll(NULL, 0, SETTLE_MS);
		total = print_memory(&crowd, before, "an isolated login", &named);
		/* of few sessions the first figure is mostly what others do meanwhile */
		if (crowd.count >= JUDGED_MIN && (named >= 1024 || (total >= 1024 && crowd.count >= 1000)))
			soak_complain(soak, "a session with a shell has %.1f kB (%.1f named), not less than 1 MB",
				      total, named);
		print_times(&crowd, 0, part, "the first sessions");
		print_times(&crowd, crowd.count - part, crowd.count, "the last sessions");
		printf("  records: %ld\n", count_records());
		try_one_more(&crowd);
	}
	end_crowd(&crowd);
	free(crowd.pids);
}

void soak_alive(struct soak *soak)
{
	if (soak->alive == 0)
		return;
	compare(soak);
	(void)poll(NULL, 0, SETTLE_MS);
	raise_sessions(soak);
}
