/* SPDX-License-Identifier: BSD-3-Clause OR GPL-2.0-or-later */
#pragma once

/* What the soak's logins meet in the sandbox: users, PAM stacks, a policy, and a system log that is counted. */

#include <sys/types.h>

#define STAGE_STACKS        "/root/soak-stacks"
#define STAGE_POLICIES      "/root/soak-policies"
#define STAGE_NAME_SIZE     32
#define STAGE_USERS         100 /* after them are those of the logins that meet max-sessions */
#define STAGE_SHARING_USERS 4
#define STAGE_USERS_ALL     (STAGE_USERS + 2)

/* Ends the program when it cannot be made. */
void stage_make(void);

uid_t stage_uid(unsigned user);
void stage_user_name(unsigned user, char ret[STAGE_NAME_SIZE]);

/* What the module has logged so far. */
struct stage_log {
	volatile unsigned long opened, joined, closed, left, denied, refused, close_failed;
};
const struct stage_log *stage_log(void);

/* The reasons of refusals and of failures to close, and how often. How many are none of a helper or init that is
 * killed. */
unsigned long stage_print_reasons(void);
