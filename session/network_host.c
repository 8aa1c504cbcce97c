/* SPDX-License-Identifier: BSD-3-Clause OR GPL-2.0-or-later */
#include "session/network_host.h"

#include "config/keys.h"
#include "config/problem.h"
#include "session/record_store.h"

#include <string.h>
#include <sys/stat.h>

bool network_needs_host(enum network_mode mode)
{
	return mode == NETWORK_NAMED || mode == NETWORK_VETH || mode == NETWORK_SLIRP;
}

/*
 * The network of the first process that /proc has. Within a session with mounts of its own that is the session's init,
 * and the directory of records tells; a session without has the host's /proc, since it has no PIDs of its own.
 */
static bool is_first_ones_network(void)
{
	struct stat own, first;

	return stat("/proc/self/ns/net", &own) == 0 && stat("/proc/1/ns/net", &first) == 0 &&
	       own.st_ino == first.st_ino && own.st_dev == first.st_dev;
}

int network_host_is_here(enum network_mode mode, char **ret_problem)
{
	const char *name = choice_name(policy_keys[KEY_NETWORK_MODE].choices, mode);

	if (record_root_is_inside())
		return problem(
			ret_problem, -EINVAL,
			"network.mode: '%s' is set up from the host, and this login comes from inside a session; "
			"give it another mode by service \"NAME\" { network { mode = \"loopback\" } }",
			name);
	if (!is_first_ones_network())
		return problem(ret_problem, -EINVAL,
			       "network.mode: '%s' is set up from the host, and this login comes from another network "
			       "namespace than that of the host's first process",
			       name);
	return 0;
}
