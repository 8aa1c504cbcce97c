/* SPDX-License-Identifier: BSD-3-Clause OR GPL-2.0-or-later */
#pragma once

/* What of the module is in a service file, whatever state it is in and of whatever type its lines are. Pure. */

#include "tools/pam_edit.h"

/* The only module that an administrator means by `module`, a name or path that is another: "pam_nsisolat.so". */
bool pam_module_is_misspelt(const char *module);

/*
 * Where a text has markers, lines between those of one block, or lines that name the module or mean it and are no
 * comments: "2, 3, 61", malloced, "" for none; NULL when memory ran out.
 */
char *pam_traces(const struct pam_text *text);
