/* SPDX-License-Identifier: BSD-3-Clause OR GPL-2.0-or-later */
#include "session/privileges.h"

#include "common/error.h"

#include <linux/capability.h>
#include <sys/prctl.h>
#include <sys/syscall.h>

#define CAPABILITY_MAX 63 /* the sets have 64 bits */

/* As the plan calls them: session/plan.c, which is not linked into login programs. */
#define STEP_CAPABILITIES "drop-capabilities"
#define STEP_NO_NEW_PRIVS "no-new-privileges"

static struct __user_cap_header_struct header(void)
{
	return (struct __user_cap_header_struct){ .version = _LINUX_CAPABILITY_VERSION_3 };
}

uint64_t bounding_set_lacks(void)
{
	uint64_t lacking = 0;

	for (unsigned long i = 0; i <= CAPABILITY_MAX; i++)
		if (prctl(PR_CAPBSET_READ, i, 0, 0, 0) == 0)
			lacking |= UINT64_C(1) << i;
	return lacking;
}

/* EINVAL: behind the last one that this kernel has, and every kernel that we run on has those up to Linux 5.9's. */
int bounding_set_drop(uint64_t dropped)
{
	for (unsigned long i = 0; i <= CAPABILITY_MAX; i++) {
		int has = prctl(PR_CAPBSET_READ, i, 0, 0, 0);

		if (has < 0)
			return errno == EINVAL && i > CAP_CHECKPOINT_RESTORE ? 0 : negative_errno();
		if (has > 0 && (dropped >> i & 1) && prctl(PR_CAPBSET_DROP, i, 0, 0, 0) < 0)
			return negative_errno();
	}
	return 0;
}

/*
 * No login program needs these to become the user, nor to close the session. A child of its that is root in the session
 * and stays, as sudo's monitor, can be traced by root inside, and would do with them what it is told.
 */
#define NEEDED_BY_NOBODY (UINT64_C(1) << CAP_NET_ADMIN)

/*
 * An inheritable capability passes by the bounding set when a file has it as inheritable, too. The ambient set loses
 * what the inheritable one does, capset(2). The other two keep what the login program may need.
 */
static int drop_sets(uint64_t dropped)
{
	const uint64_t unneeded = dropped & NEEDED_BY_NOBODY;
	struct __user_cap_header_struct self = header();
	struct __user_cap_data_struct sets[_LINUX_CAPABILITY_U32S_3];

	if (syscall(SYS_capget, &self, sets) < 0)
		return negative_errno();
	for (unsigned i = 0; i < _LINUX_CAPABILITY_U32S_3; i++) {
		sets[i].inheritable &= ~(uint32_t)(dropped >> 32 * i);
		sets[i].permitted &= ~(uint32_t)(unneeded >> 32 * i);
		sets[i].effective &= ~(uint32_t)(unneeded >> 32 * i);
	}
	return syscall(SYS_capset, &self, sets) < 0 ? negative_errno() : 0;
}

static bool has_any(uint64_t capabilities)
{
	for (unsigned long i = 0; i <= CAPABILITY_MAX; i++)
		if ((capabilities >> i & 1) && prctl(PR_CAPBSET_READ, i, 0, 0, 0) > 0)
			return true;
	return false;
}

int privileges_check(const struct privileges *privileges)
{
	struct __user_cap_header_struct self = header();
	struct __user_cap_data_struct sets[_LINUX_CAPABILITY_U32S_3];

	if (!has_any(privileges->dropped))
		return 0;
	if (syscall(SYS_capget, &self, sets) < 0)
		return negative_errno();
	return sets[CAP_TO_INDEX(CAP_SETPCAP)].effective & CAP_TO_MASK(CAP_SETPCAP) ? 0 : -EPERM;
}

int privileges_drop(const struct privileges *privileges, const char **ret_step)
{
	int r = 0;

	*ret_step = STEP_CAPABILITIES;
	if (privileges->dropped) {
		r = bounding_set_drop(privileges->dropped);
		if (r == 0)
			r = drop_sets(privileges->dropped);
	}
	if (r < 0 || !privileges->no_new_privs)
		return r;
	*ret_step = STEP_NO_NEW_PRIVS;
	return prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0 ? negative_errno() : 0;
}
