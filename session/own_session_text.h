/* SPDX-License-Identifier: BSD-3-Clause OR GPL-2.0-or-later */
#pragma once

/* Why a user cannot make a session of their own, user_namespaces(7): the setting of this host that forbids it, by name.
 */

#include "common/cleanup.h"

/* -1: this kernel has none. */
struct userns_settings {
	long clone;    /* kernel.unprivileged_userns_clone: Debian's */
	long max;      /* user.max_user_namespaces */
	long apparmor; /* kernel.apparmor_restrict_unprivileged_userns: Ubuntu's */
};

/* Those below `root`, which is "/proc/sys". */
struct userns_settings userns_settings_read(const char *root);

/* What a -errno of making or mapping the user namespace comes from. Malloced; NULL when memory ran out. Pure. */
char *userns_text(const struct userns_settings *settings, int error);

/* The same of a step within it, "" where nothing is to be added to what the errno says. Likewise. */
char *own_step_text(const struct userns_settings *settings, const char *step, int error);
