/* SPDX-License-Identifier: BSD-3-Clause OR GPL-2.0-or-later */
#pragma once

/*
 * The section limits of a policy, which pam_systemd(8) carries out: it takes what an earlier line of the stack leaves
 * for it by pam_set_data(3). So the first line of ours, "close", hands it over, and the last, "open", has the helper
 * look whether the login's control group has it.
 */

#include "pam_module/guest.h"

/*
 * Of the first line, when a session is opened: hands over what the user's policy says. Refuses nobody and logs nothing:
 * what is broken is the last line's to tell.
 */
void guest_hand_limits(const struct guest *guest);

/* Tells the helper in `request` what was handed over for this user. */
void guest_add_handed(const struct guest *guest, struct session_request *request);

/* Takes back what was handed over, so that a later session of the handle begins without it. */
void guest_forget_limits(const struct guest *guest);
