/* SPDX-License-Identifier: BSD-3-Clause OR GPL-2.0-or-later */
#pragma once

/* Whether a stack lets pam_systemd(8) hold logins to the limits of their policies. Pure. */

#include "tools/pam_judge.h"

#define PAM_SYSTEMD_NAME "pam_systemd.so"

/* What a stack that opens sessions lacks for that, as a clause; NULL: nothing. */
const char *pam_limits_lack(const struct pam_stack *stack, const struct pam_verdict *verdict);
