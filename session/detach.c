/* SPDX-License-Identifier: BSD-3-Clause OR GPL-2.0-or-later */
#include "session/detach.h"

#include "session/protocol.h"

#include <fcntl.h>
#include <grp.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>

#define TIMER_SLACK_NS 50000UL /* the kernel's own default */
#define DESCRIPTORS    1024    /* likewise */

static void raise_limit(__rlimit_resource_t resource)
{
	struct rlimit limit = { RLIM_INFINITY, RLIM_INFINITY };

	if (setrlimit(resource, &limit) == 0 || getrlimit(resource, &limit) < 0)
		return;
	limit.rlim_cur = limit.rlim_max;
	(void)setrlimit(resource, &limit);
}

/*
 * The init has two descriptors of each login. Whoever made the login program may have left it few; without
 * CAP_SYS_RESOURCE there are as many as the hard limit allows.
 */
static void raise_descriptor_limit(void)
{
	struct rlimit limit, more;

	if (getrlimit(RLIMIT_NOFILE, &limit) < 0 || limit.rlim_cur >= DESCRIPTORS)
		return;
	more = (struct rlimit){ DESCRIPTORS, limit.rlim_max < DESCRIPTORS ? DESCRIPTORS : limit.rlim_max };
	if (setrlimit(RLIMIT_NOFILE, &more) == 0)
		return;
	limit.rlim_cur = limit.rlim_max;
	(void)setrlimit(RLIMIT_NOFILE, &limit);
}

static void reset_oom_score(void)
{
	_cleanup_close_ int fd = open("/proc/self/oom_score_adj", O_WRONLY | O_CLOEXEC);

	if (fd >= 0 && write(fd, "0", 1) < 0)
		return;
}

/*
 * Under su and sudo the user may stop us until we are root, and a stop that was sent in time takes
 * effect after it: a stopped process of root that the user cannot even continue. It must end with the caller,
 * who bounds its wait for us. prctl(2): after the group ids, whose change forgets it. The caller alone
 * holds the socket's other end, so while that is open the caller lives and its end will be signalled.
 */
static int end_with_caller(void)
{
	struct pollfd caller = { .fd = PROTOCOL_HELPER_FD };

	if (prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0) < 0 || poll(&caller, 1, 0) < 0)
		return -errno;
	return caller.revents & (POLLHUP | POLLERR) ? -ECONNRESET : 0;
}

int detach_from_caller(void)
{
	static const __rlimit_resource_t limits[] = { RLIMIT_CPU,   RLIMIT_FSIZE, RLIMIT_DATA,
						      RLIMIT_STACK, RLIMIT_AS,    RLIMIT_NPROC };
	const struct sched_param normal = { 0 };
	int r;

	/*
	 * tolerates EPERM: no CAP_SETGID, or a user namespace that denies setgroups(2); groups
	 * give nobody power over us
	 */
	if (setgroups(0, NULL) < 0 && errno != EPERM)
		return -errno;
	if (setresgid(0, 0, 0) < 0 && errno != EPERM)
		return -errno;
	r = end_with_caller();
	if (r < 0)
		return r;
	/* needs no capability: the effective user id is 0 already */
	if (setresuid(0, 0, 0) < 0 || chdir("/") < 0)
		return -errno;
	/* without CAP_SYS_RESOURCE a limit on file sizes stays: the record is then an error that can be told */
	(void)signal(SIGXFSZ, SIG_IGN);
	for (size_t i = 0; i < ELEMENTS(limits); i++)
		raise_limit(limits[i]);
	raise_descriptor_limit();
	(void)sched_setscheduler(0, SCHED_OTHER, &normal);
	(void)setpriority(PRIO_PROCESS, 0, 0);
	/* a timeout is late by the slack, which the caller's caller may have made centuries */
	(void)prctl(PR_SET_TIMERSLACK, TIMER_SLACK_NS, 0, 0, 0);
	reset_oom_score();
	(void)umask(022);
	return 0;
}
