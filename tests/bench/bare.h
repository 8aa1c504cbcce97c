/* SPDX-License-Identifier: BSD-3-Clause OR GPL-2.0-or-later */
#pragma once

/*
 * The system calls of a default session without PAM, helper and record: one clone3(2) child runs the plan's init steps
 * and one setns(2) follows, no exec. What every figure is compared with.
 */

#include "session/plan.h"

struct bare {
	struct plan *plan; /* of the built-in defaults */
	int outside[NAMESPACE_KINDS];
	int pidfd;
	pid_t pid;
};

/* Ends the program when it cannot be made, as all of them do. */
void bare_prepare(struct bare *ret);

/* Moves the process. */
void bare_open(struct bare *bare);

/* Moves it back, and ends what was opened. */
void bare_close(struct bare *bare);
