/* SPDX-License-Identifier: BSD-3-Clause OR GPL-2.0-or-later */
#pragma once

/* From the start of the command to its last output, the same whoever made the session. */

#include "tools/supervise.h"

/*
 * Until the command has ended; a negative `pid` is the -errno of its start. terminal: its own, or NULL. An exit status.
 */
int nsrun_wait(pid_t pid, const struct signals *signals, struct terminal *terminal);

/* Once the session has ended: the last of the terminal's output. Releases the signals. */
void nsrun_finish(struct signals *signals, struct terminal *terminal);
