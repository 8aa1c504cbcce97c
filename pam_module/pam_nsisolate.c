/* SPDX-License-Identifier: BSD-3-Clause OR GPL-2.0-or-later */

/*
 * The entry points, pam_sm_open_session(3) and pam_sm_close_session(3). Two
 * lines of a stack share the work: one with "close" first, one with "open" last, because both types of call run
 * the lines in the order of the file. A line without either word does both. The first has a part in opening, too: what
 * pam_systemd is to find when its own turn comes, limits.h.
 */

#include "pam_module/guest.h"

#define ENTRY_POINT __attribute__((visibility("default")))

ENTRY_POINT int pam_sm_open_session(pam_handle_t *pamh, int flags, int argc, const char **argv)
{
	struct guest guest;
	int r = guest_init(&guest, pamh, flags, argc, argv);

	if (r != PAM_SUCCESS)
		return r;
	if (guest.arguments.open || guest.bad_argument)
		return guest_open(&guest);
	guest_prepare(&guest);
	return PAM_IGNORE;
}

ENTRY_POINT int pam_sm_close_session(pam_handle_t *pamh, int flags, int argc, const char **argv)
{
	struct guest guest;
	int r = guest_init(&guest, pamh, flags, argc, argv);

	if (r != PAM_SUCCESS)
		return r;
	return guest.arguments.close ? guest_close(&guest) : PAM_IGNORE;
}
