/* SPDX-License-Identifier: BSD-3-Clause OR GPL-2.0-or-later */

/*
 * What opening a session costs beside the same system calls without PAM, helper and
 * record: one clone3(2) child runs the plan's init steps and one setns(2) follows, no
 * exec. The two take turns (A B A B …) in one process and one run, and medians and the
 * ratio are printed; there is no threshold here, since machines are shared and noisy.
 *
 *     bench-open PAM-CONFDIR SERVICE USER ROUNDS
 */

#include "bench.h"
#include "common/namespaces.h"
#include "config/decide.h"
#include "session/apply.h"
#include "session/syscalls.h"

#include <fcntl.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <stdint.h>
#include <string.h>
#include <sys/pidfd.h>
#include <sys/wait.h>

struct outside {
	int fds[NAMESPACE_KINDS];
};

static void bare_child(const struct plan *plan, int ready)
{
	const char *object;
	const struct step *failed = NULL;
	int r = apply_init_steps(plan, &failed, &object);

	if (r < 0)
		fprintf(stderr, "step %s: %s\n", step_name(failed->kind), strerror(-r));
	if (write(ready, r < 0 ? "n" : "y", 1) != 1)
		_exit(1);
	pause();
	_exit(0);
}

static double time_bare(const struct plan *plan, const struct outside *outside)
{
	int pidfd = -1;
	int ready[2];
	char answer = 'n';
	struct clone_args clone = {
		.flags = plan_new_flags(plan) | CLONE_PIDFD,
		.pidfd = (uint64_t)(uintptr_t)&pidfd,
		.exit_signal = SIGCHLD,
	};
	double start = now_us(), end;
	pid_t pid;

	if (pipe2(ready, O_CLOEXEC) < 0)
		die("pipe2");
	pid = sys_clone3(&clone);
	if (pid < 0)
		die("clone3");
	if (pid == 0)
		bare_child(plan, ready[1]);
	if (read(ready[0], &answer, 1) != 1 || answer != 'y')
		die("bare child");
	if (setns(pidfd, (int)plan->clone_flags) < 0)
		die("setns");
	end = now_us();
	for (size_t i = 0; i < NAMESPACE_KINDS; i++)
		if (plan->clone_flags & (unsigned)namespace_table[i].clone_flag &&
		    setns(outside->fds[i], namespace_table[i].clone_flag) < 0)
			die("setns back");
	kill(pid, SIGKILL);
	waitpid(pid, NULL, 0);
	close(ready[0]);
	close(ready[1]);
	close(pidfd);
	return end - start;
}

/* The plan of the built-in defaults, which the policy of run-bench-open has. */
static struct plan *default_plan(void)
{
	_cleanup_(policy_freep) struct policy *policy = NULL;
	char host[HOSTNAME_MAX + 1] = "";
	const struct plan_login login = { .names = { .user = "bench", .group = "", .host = host, .session = "" } };
	struct plan *plan;
	char *problem = NULL;

	if (gethostname(host, sizeof(host) - 1) < 0)
		die("gethostname");
	if (policy_new_default("default.conf", &policy) < 0)
		die("policy_new_default");
	if (plan_make(policy, &login, &plan, &problem) < 0)
		die("plan_make");
	return plan;
}

int main(int argc, char **argv)
{
	size_t rounds = argc == 5 ? strtoul(argv[4], NULL, 10) : 0;
	_cleanup_free_ double *module = calloc(rounds + 1, sizeof(*module));
	_cleanup_free_ double *bare = calloc(rounds + 1, sizeof(*bare));
	_cleanup_(plan_freep) struct plan *plan = NULL;
	struct outside outside;
	double a, b;

	if (rounds == 0 || !module || !bare) {
		fprintf(stderr, "usage: %s PAM-CONFDIR SERVICE USER ROUNDS\n", argv[0]);
		return 2;
	}
	plan = default_plan();
	for (size_t i = 0; i < NAMESPACE_KINDS; i++) {
		char path[64];

		snprintf(path, sizeof(path), "/proc/self/ns/%s", namespace_table[i].children_link);
		outside.fds[i] = open(path, O_RDONLY | O_CLOEXEC);
	}
	/* one of each that does not count: lazy binding, cold caches */
	time_module(argv[1], argv[2], argv[3]);
	time_bare(plan, &outside);
	for (size_t i = 0; i < rounds; i++) {
		module[i] = time_module(argv[1], argv[2], argv[3]);
		bare[i] = time_bare(plan, &outside);
	}
	a = quantile(module, rounds, 0.5);
	b = quantile(bare, rounds, 0.5);
	printf("%-28s %9s %9s %9s  (us, %zu rounds, ABAB)\n", "", "median", "p90", "p99", rounds);
	printf("%-28s %9.0f %9.0f %9.0f\n", "pam_open_session", a, quantile(module, rounds, 0.9),
	       quantile(module, rounds, 0.99));
	printf("%-28s %9.0f %9.0f %9.0f\n", "bare clone3 child and setns", b, quantile(bare, rounds, 0.9),
	       quantile(bare, rounds, 0.99));
	printf("ratio of medians: %.2f\n", a / b);
	return 0;
}
