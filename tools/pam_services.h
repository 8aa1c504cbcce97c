/* SPDX-License-Identifier: BSD-3-Clause OR GPL-2.0-or-later */
#pragma once

/* What is known about PAM services by their names. */

#include "common/cleanup.h"

#include <stdbool.h>

struct pam_service_info {
	const char *pattern; /* fnmatch(3) on the service name */
	bool discouraged;    /* better left without the module */
	bool no_login;       /* gives its users no process of their own choice: not listed unless asked for */
	const char *why;     /* one clause: why users get processes through it, or why not to enable it */
};

/* NULL if nothing is known about the service. */
const struct pam_service_info *pam_service_info(const char *service);

/* True for the files that only others include ("common-session"): distributions rewrite them, and a line there is never
 * the last. */
bool pam_service_is_shared(const char *name);

/* True if pam_start(3) can reach a file of this name: no '/', no leading '.', no upper case, no blanks. */
bool pam_service_name_valid(const char *name);
