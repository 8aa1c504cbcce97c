/* SPDX-License-Identifier: BSD-3-Clause OR GPL-2.0-or-later */
#pragma once

/* The words of a PAM line and the control among them, pam.conf(5), as libpam takes them. */

#include "tools/pam_stack.h"

/*
 * Fills the action of every return value (PAM_RETURN_VALUES of them). False if libpam cannot
 * read the control: it takes all of it as bad.
 */
bool pam_control_parse(const char *control, int *actions);

/* 1 and the token taken from *position, or 0 at the end: blanks separate, [ ] quotes. Rewrites the text in place. */
int pam_next_token(char **position, char **ret_token);
