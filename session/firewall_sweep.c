/* SPDX-License-Identifier: BSD-3-Clause OR GPL-2.0-or-later */
#include "session/firewall_sweep.h"

#include "config/text_list.h"
#include "session/byte_lock.h"
#include "session/firewall_state.h"

#include <fcntl.h>
#include <string.h>

#define OLD_SECONDS (24 * 60 * 60)

unsigned firewall_count_sessions(const struct if_nameindex *interfaces, const char *name)
{
	unsigned count = 0;

	for (const struct if_nameindex *at = interfaces; at->if_index != 0; at++)
		count += strncmp(at->if_name, name, FIREWALL_NAME_LENGTH) == 0;
	return count;
}

bool firewall_any_session(const struct if_nameindex *interfaces)
{
	for (const struct if_nameindex *at = interfaces; at->if_index != 0; at++) {
		char name[FIREWALL_NAME_LENGTH + 1];

		(void)snprintf(name, sizeof(name), "%s", at->if_name);
		if (firewall_is_name(name))
			return true;
	}
	return false;
}

static void sweep(int directory, char *const *names, const char *but)
{
	struct if_nameindex *interfaces = if_nameindex();

	for (; interfaces && names && *names; names++) {
		_cleanup_free_ char *ignored = NULL;

		if (strcmp(*names, but) != 0 && firewall_known_is_old(directory, *names, OLD_SECONDS) &&
		    firewall_count_sessions(interfaces, *names) == 0 &&
		    firewall_unload(directory, *names, &ignored) < 0)
			break;
	}
	if (interfaces)
		if_freenameindex(interfaces);
}

int firewall_sweep(int directory, int hold, const char *but)
{
	_cleanup_(text_list_freep) char **names = NULL;

	if (firewall_names(directory, &names) < 0)
		return 0;
	/* alone: a login that has seen its rules may have no interface yet */
	if (lock_byte(hold, F_OFD_SETLK, F_WRLCK, FIREWALL_HOLD_BYTE) < 0)
		return 0;
	sweep(directory, names, but);
	return lock_byte(hold, F_OFD_SETLK, F_RDLCK, FIREWALL_HOLD_BYTE);
}
