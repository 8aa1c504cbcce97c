/* SPDX-License-Identifier: BSD-3-Clause OR GPL-2.0-or-later */
#include "session/inherit.h"

#include "common/error.h"
#include "session/user_map.h"

#include <fcntl.h>
#include <inttypes.h>
#include <sched.h>

_Static_assert(NAMESPACE_KINDS == 8, "INHERITED_NOTHING");

/*
 * clone(2): the bit of a time namespace is part of the exit signal before Linux 6.3, so unshare(2) makes it. A mount
 * namespace made together with a user namespace would belong to that, and all that is mounted in it, too.
 */
unsigned inherit_clone_flags(const struct plan *plan)
{
	const unsigned before = CLONE_NEWNS * plan_has_user_map(plan);

	return plan_new_flags(plan) & ~before & ~(unsigned)namespace_table[NAMESPACE_TIME].clone_flag;
}

static int remember(enum namespace_kind kind, struct inherited *inherited)
{
	char path[32];
	int fd;

	(void)snprintf(path, sizeof(path), "/proc/self/ns/%s", namespace_table[kind].proc_link);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return negative_errno();
	inherited->homes[kind] = fd;
	return 0;
}

static int enter_network(int network, struct inherited *inherited)
{
	int r = remember(NAMESPACE_NETWORK, inherited);

	if (r < 0)
		return r;
	return setns(network, CLONE_NEWNET) < 0 ? negative_errno() : 0;
}

/* time_namespaces(7): offsets are set before there is a process in the namespace, and never again. */
static int make_time(const struct step *step, struct inherited *inherited)
{
	_cleanup_close_ int offsets = -1;
	int r = remember(NAMESPACE_TIME, inherited);

	if (r < 0)
		return r;
	if (unshare(namespace_table[NAMESPACE_TIME].clone_flag) < 0)
		return negative_errno();
	offsets = open("/proc/self/timens_offsets", O_WRONLY | O_CLOEXEC);
	if (offsets < 0 || dprintf(offsets, "boottime %" PRIi64 " 0\n", step->seconds) < 0)
		return negative_errno();
	return 0;
}

static int make_mounts(const struct plan *plan, struct inherited *inherited)
{
	int r;

	if (!plan_has_user_map(plan) || !(plan->clone_flags & CLONE_NEWNS))
		return 0;
	r = remember(NAMESPACE_MOUNT, inherited);
	if (r < 0)
		return r;
	return unshare(CLONE_NEWNS) < 0 ? negative_errno() : 0;
}

int inherit_enter(const struct plan *plan, int network, struct inherited *ret, const struct step **ret_failed)
{
	int r = 0;

	for (size_t i = 0; r == 0 && i < plan->count; i++) {
		*ret_failed = &plan->steps[i];
		if ((*ret_failed)->kind == STEP_NETWORK_NAMED)
			r = enter_network(network, ret);
		else if ((*ret_failed)->kind == STEP_TIME)
			r = make_time(*ret_failed, ret);
		else if ((*ret_failed)->kind == STEP_NAMESPACES)
			r = make_mounts(plan, ret);
	}
	return r;
}

/*
 * Tolerates EPERM of time: within a user namespace, that of the maker may belong to the host. Only children of ours are
 * born into the new one, and for none of them does it matter.
 */
int inherit_leave(struct inherited *inherited)
{
	int r = 0;

	for (size_t i = 0; i < NAMESPACE_KINDS; i++) {
		int *home = &inherited->homes[i];

		if (*home >= 0 && setns(*home, namespace_table[i].clone_flag) < 0 && r == 0 &&
		    !(errno == EPERM && i == NAMESPACE_TIME))
			r = negative_errno();
		*home = close_fd(*home);
	}
	return r;
}
