/* SPDX-License-Identifier: BSD-3-Clause OR GPL-2.0-or-later */
#include "bare.h"

#include "bench.h"
#include "common/namespaces.h"
#include "config/decide.h"
#include "session/apply.h"
#include "session/syscalls.h"

#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <stdint.h>
#include <string.h>
#include <sys/pidfd.h>
#include <sys/wait.h>

static _Noreturn void bare_child(const struct plan *plan, int ready)
{
	const char *object;
	const struct step *failed = NULL;
	int r = apply_init_steps(plan, -1, &failed, &object);

	if (r < 0)
		fprintf(stderr, "step %s: %s\n", step_name(failed->kind), strerror(-r));
	if (write(ready, r < 0 ? "n" : "y", 1) != 1)
		_exit(1);
	pause();
	_exit(0);
}

void bare_open(struct bare *bare)
{
	int ready[2];
	char answer = 'n';
	struct clone_args clone = {
		.flags = plan_new_flags(bare->plan) | CLONE_PIDFD,
		.pidfd = (uint64_t)(uintptr_t)&bare->pidfd,
		.exit_signal = SIGCHLD,
	};

	if (pipe2(ready, O_CLOEXEC) < 0)
		die("pipe2");
	bare->pid = sys_clone3(&clone);
	if (bare->pid < 0)
		die("clone3");
	if (bare->pid == 0)
		bare_child(bare->plan, ready[1]);
	if (read(ready[0], &answer, 1) != 1 || answer != 'y')
		die("bare child");
	if (setns(bare->pidfd, (int)bare->plan->clone_flags) < 0)
		die("setns");
	close(ready[0]);
	close(ready[1]);
}

void bare_close(struct bare *bare)
{
	for (size_t i = 0; i < NAMESPACE_KINDS; i++)
		if (bare->plan->clone_flags & (unsigned)namespace_table[i].clone_flag &&
		    setns(bare->outside[i], namespace_table[i].clone_flag) < 0)
			die("setns back");
	kill(bare->pid, SIGKILL);
	waitpid(bare->pid, NULL, 0);
	close(bare->pidfd);
}

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

void bare_prepare(struct bare *ret)
{
	*ret = (struct bare){ .plan = default_plan(), .pidfd = -1 };
	for (size_t i = 0; i < NAMESPACE_KINDS; i++) {
		char path[64];

		snprintf(path, sizeof(path), "/proc/self/ns/%s", namespace_table[i].children_link);
		ret->outside[i] = open(path, O_RDONLY | O_CLOEXEC);
	}
}
