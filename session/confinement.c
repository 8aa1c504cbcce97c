/* SPDX-License-Identifier: BSD-3-Clause OR GPL-2.0-or-later */
#include "session/confinement.h"

#include "common/error.h"
#include "common/read_whole.h"
#include "session/cgroup.h"
#include "session/privileges.h"
#include "session/process.h"

#include <fcntl.h>
#include <inttypes.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/stat.h>

#define STATUS_MAX (16 * 1024)

static int read_file(int process, const char *name, size_t limit, char **ret)
{
	_cleanup_close_ int fd = openat(process, name, O_RDONLY | O_CLOEXEC);
	size_t size;

	if (fd < 0)
		return errno == ENOENT ? -ESRCH : negative_errno();
	return read_head(fd, limit, ret, &size);
}

static int read_status(int process, struct confinement *confinement)
{
	_cleanup_free_ char *status = NULL;
	const char *bounding, *no_new_privs, *mask;
	unsigned bits;
	int r = read_file(process, "status", STATUS_MAX, &status);

	if (r < 0)
		return r;
	bounding = process_status_value(status, "\nCapBnd:\t");
	no_new_privs = process_status_value(status, "\nNoNewPrivs:\t");
	mask = process_status_value(status, "\nUmask:\t");
	/* a zombie has no umask any more */
	if (!mask)
		return -ESRCH;
	if (!bounding || !no_new_privs || sscanf(bounding, "%" SCNx64, &confinement->bounding) != 1 ||
	    sscanf(mask, "%o", &bits) != 1)
		return -EBADMSG;
	confinement->no_new_privs = *no_new_privs != '0';
	confinement->mask = (mode_t)bits & 0777;
	return 0;
}

static int read_oom_score(int process, int *ret)
{
	_cleanup_free_ char *text = NULL;
	int r = read_file(process, "oom_score_adj", STATUS_MAX, &text);

	if (r < 0)
		return r;
	return sscanf(text, "%d", ret) == 1 ? 0 : -EBADMSG;
}

/* Rows of /proc/PID/limits, which unlike prlimit(2) needs no right over the process, and is surely of this one. */
static const char *const limit_rows[RLIM_NLIMITS] = {
	[RLIMIT_CPU] = "Max cpu time",
	[RLIMIT_FSIZE] = "Max file size",
	[RLIMIT_DATA] = "Max data size",
	[RLIMIT_STACK] = "Max stack size",
	[RLIMIT_CORE] = "Max core file size",
	[RLIMIT_RSS] = "Max resident set",
	[RLIMIT_NPROC] = "Max processes",
	[RLIMIT_NOFILE] = "Max open files",
	[RLIMIT_MEMLOCK] = "Max locked memory",
	[RLIMIT_AS] = "Max address space",
	[RLIMIT_LOCKS] = "Max file locks",
	[RLIMIT_SIGPENDING] = "Max pending signals",
	[RLIMIT_MSGQUEUE] = "Max msgqueue size",
	[RLIMIT_NICE] = "Max nice priority",
	[RLIMIT_RTPRIO] = "Max realtime priority",
	[RLIMIT_RTTIME] = "Max realtime timeout",
};

/* "unlimited" or a number; *text is moved behind it. */
static int read_limit(const char **text, rlim_t *ret)
{
	char word[32];
	uint64_t value;
	int length = 0;

	if (sscanf(*text, " %31s%n", word, &length) != 1)
		return -EBADMSG;
	*text += length;
	if (strcmp(word, "unlimited") == 0)
		*ret = RLIM_INFINITY;
	else if (sscanf(word, "%" SCNu64, &value) == 1)
		*ret = value;
	else
		return -EBADMSG;
	return 0;
}

int confinement_parse_limits(const char *text, struct rlimit ret[RLIM_NLIMITS])
{
	for (int i = 0; i < RLIM_NLIMITS; i++) {
		char key[40];
		const char *row;
		int r;

		(void)snprintf(key, sizeof(key), "\n%s ", limit_rows[i]);
		row = strstr(text, key);
		if (!row)
			return -EBADMSG;
		row += strlen(key);
		r = read_limit(&row, &ret[i].rlim_cur);
		if (r == 0)
			r = read_limit(&row, &ret[i].rlim_max);
		if (r < 0)
			return r;
	}
	return 0;
}

static int read_limits(int process, struct confinement *confinement)
{
	_cleanup_free_ char *text = NULL;
	int r = read_file(process, "limits", STATUS_MAX, &text);

	return r < 0 ? r : confinement_parse_limits(text, confinement->limits);
}

/* By its number: whether that was its own all the time is for the caller to ask. */
static int read_scheduling(pid_t pid, struct confinement *confinement)
{
	errno = 0;
	confinement->nice = getpriority(PRIO_PROCESS, (id_t)pid);
	if (errno != 0)
		return negative_errno();
	/* EINVAL: more processors than the set has room for; then none are given, and the control group alone decides
	 */
	if (sched_getaffinity(pid, sizeof(confinement->processors), &confinement->processors) < 0 && errno != EINVAL)
		return negative_errno();
	return 0;
}

int confinement_read(int process, pid_t pid, struct confinement *ret)
{
	_cleanup_(confinement_release) struct confinement confinement = { 0 };
	int r = read_scheduling(pid, &confinement);

	if (r == 0)
		r = read_limits(process, &confinement);
	if (r == 0)
		r = read_file(process, "cgroup", CGROUPS_MAX, &confinement.cgroups);
	if (r == 0)
		r = read_oom_score(process, &confinement.oom_score);
	/* last: it fails when the process has ended, and until then nobody else has its number */
	if (r == 0)
		r = read_status(process, &confinement);
	if (r < 0)
		return r;
	*ret = confinement;
	confinement.cgroups = NULL;
	return 0;
}

void confinement_release(struct confinement *confinement)
{
	free(confinement->cgroups);
	confinement->cgroups = NULL;
}

static rlim_t larger(rlim_t a, rlim_t b)
{
	/* RLIM_INFINITY is the largest */
	return a > b ? a : b;
}

void confinement_widen(struct confinement *confinement, const struct confinement *other)
{
	confinement->bounding |= other->bounding;
	confinement->no_new_privs = confinement->no_new_privs && other->no_new_privs;
	for (int i = 0; i < RLIM_NLIMITS; i++) {
		struct rlimit *limit = &confinement->limits[i];

		limit->rlim_cur = larger(limit->rlim_cur, other->limits[i].rlim_cur);
		limit->rlim_max = larger(limit->rlim_max, other->limits[i].rlim_max);
	}
}

static rlim_t smaller(rlim_t a, rlim_t b)
{
	return a < b ? a : b;
}

void confinement_narrow(struct confinement *confinement, const struct confinement *other)
{
	confinement->bounding &= other->bounding;
	confinement->no_new_privs = other->no_new_privs;
	for (int i = 0; i < RLIM_NLIMITS; i++) {
		struct rlimit *limit = &confinement->limits[i];

		limit->rlim_max = smaller(limit->rlim_max, other->limits[i].rlim_max);
		limit->rlim_cur = smaller(limit->rlim_max, other->limits[i].rlim_cur);
	}
}

/* setrlimit(2): EPERM: without CAP_SYS_RESOURCE the hard limit is never raised; what is below it is no freer. */
static int apply_limit(__rlimit_resource_t resource, const struct rlimit *wanted)
{
	struct rlimit own, limit = *wanted;

	if (setrlimit(resource, wanted) == 0)
		return 0;
	if (errno != EPERM || getrlimit(resource, &own) < 0)
		return negative_errno();
	limit.rlim_max = smaller(wanted->rlim_max, own.rlim_max);
	limit.rlim_cur = smaller(wanted->rlim_cur, limit.rlim_max);
	return setrlimit(resource, &limit) < 0 ? negative_errno() : 0;
}

static int apply_limits(const struct confinement *confinement)
{
	int r = 0;

	for (int i = 0; r == 0 && i < RLIM_NLIMITS; i++)
		r = apply_limit((__rlimit_resource_t)i, &confinement->limits[i]);
	return r;
}

/* Real-time policies of the caller's are not for a session. */
static int apply_scheduling(const struct confinement *confinement)
{
	const struct sched_param normal = { 0 };

	if (sched_setscheduler(0, SCHED_OTHER, &normal) < 0 || setpriority(PRIO_PROCESS, 0, confinement->nice) < 0)
		return negative_errno();
	/* EINVAL: none that the control group has, or none at all; then it is the group that confines */
	if (sched_setaffinity(0, sizeof(confinement->processors), &confinement->processors) < 0 && errno != EINVAL)
		return negative_errno();
	return 0;
}

int confinement_apply(const struct confinement *confinement, const char **ret_step)
{
	int r = apply_scheduling(confinement);

	*ret_step = "scheduling";
	if (r < 0)
		return r;
	*ret_step = "limits";
	r = apply_limits(confinement);
	if (r < 0)
		return r;
	*ret_step = "bounding set";
	r = bounding_set_drop(~confinement->bounding);
	if (r < 0)
		return r;
	*ret_step = "no_new_privs";
	if (confinement->no_new_privs && prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0)
		return negative_errno();
	(void)umask(confinement->mask);
	return 0;
}
