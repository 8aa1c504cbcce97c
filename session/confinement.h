/* SPDX-License-Identifier: BSD-3-Clause OR GPL-2.0-or-later */
#pragma once

/*
 * What beside namespaces and user ids confines a process, and is inherited by what it starts. For who comes into a
 * session after its login: to be no freer than that.
 */

#include "common/cleanup.h"

#include <sched.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/resource.h>
#include <sys/types.h>

struct confinement {
	uint64_t bounding; /* set of capabilities, a bit each */
	bool no_new_privs;
	mode_t mask; /* umask(2) */
	int nice;
	int oom_score;                      /* oom_score_adj */
	cpu_set_t processors;               /* sched_setaffinity(2) */
	struct rlimit limits[RLIM_NLIMITS]; /* by RLIMIT_… */
	char *cgroups;                      /* as of /proc/PID/cgroup */
};

/* Of a process by its directory in /proc and its pid, which must still be its own afterwards. 0; -ESRCH; or -errno. */
int confinement_read(int process, pid_t pid, struct confinement *ret) _must_check_;
void confinement_release(struct confinement *confinement);

/* The text of a /proc/PID/limits, proc_pid_limits(5). 0 or -EBADMSG. Pure. */
int confinement_parse_limits(const char *text, struct rlimit ret[RLIM_NLIMITS]) _must_check_;

/*
 * Capabilities, no_new_privs and limits that at least one of the two has: each of a user's processes may confine itself
 * further, and none can free itself, so what they all came from was at least as free as any. The rest stays as it is.
 */
void confinement_widen(struct confinement *confinement, const struct confinement *other);

/* Capabilities and limits that both have, and no_new_privs of the other. The rest stays as it is. */
void confinement_narrow(struct confinement *confinement, const struct confinement *other);

/*
 * The calling process, of root's, takes it on, but for its control groups. On failure *ret_step is what failed. 0 or
 * -errno.
 */
int confinement_apply(const struct confinement *confinement, const char **ret_step) _must_check_;
