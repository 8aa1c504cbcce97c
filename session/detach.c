/* SPDX-License-Identifier: BSD-3-Clause OR GPL-2.0-or-later */
#include "session/detach.h"

#include <fcntl.h>
#include <grp.h>
#include <sched.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/stat.h>

static void raise_limit(__rlimit_resource_t resource)
{
	struct rlimit limit = { RLIM_INFINITY, RLIM_INFINITY };

	if (setrlimit(resource, &limit) == 0 || getrlimit(resource, &limit) < 0)
		return;
	limit.rlim_cur = limit.rlim_max;
	(void)setrlimit(resource, &limit);
}

static void reset_oom_score(void)
{
	_cleanup_close_ int fd = open("/proc/self/oom_score_adj", O_WRONLY | O_CLOEXEC);

	if (fd >= 0 && write(fd, "0", 1) < 0)
		return;
}

int detach_from_caller(void)
{
	static const __rlimit_resource_t limits[] = { RLIMIT_CPU,   RLIMIT_FSIZE, RLIMIT_DATA,
						      RLIMIT_STACK, RLIMIT_AS,    RLIMIT_NPROC };
	const struct sched_param normal = { 0 };

	/* needs no capability: the effective user id is 0 already */
	if (setresuid(0, 0, 0) < 0 || chdir("/") < 0)
		return -errno;
	/*
	 * tolerates EPERM: no CAP_SETGID, or a user namespace that denies setgroups(2); groups
	 * give nobody power over us
	 */
	if (setgroups(0, NULL) < 0 && errno != EPERM)
		return -errno;
	if (setresgid(0, 0, 0) < 0 && errno != EPERM)
		return -errno;
	/* without CAP_SYS_RESOURCE a limit on file sizes stays: the record is then an error that can be told */
	(void)signal(SIGXFSZ, SIG_IGN);
	for (size_t i = 0; i < ELEMENTS(limits); i++)
		raise_limit(limits[i]);
	(void)sched_setscheduler(0, SCHED_OTHER, &normal);
	(void)setpriority(PRIO_PROCESS, 0, 0);
	reset_oom_score();
	(void)umask(022);
	return 0;
}
