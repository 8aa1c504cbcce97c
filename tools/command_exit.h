/* SPDX-License-Identifier: BSD-3-Clause OR GPL-2.0-or-later */
#pragma once

/* How what runs a command ends, nsrun(1) and nsinspect(1) enter, and what it says when it fails. */

#include "common/cleanup.h"

/* As env(1), chroot(1) and their kin have it; every other status is the command's. */
enum command_exit {
	EXIT_REFUSED = 125,       /* the program failed or refused: there was no command */
	EXIT_CANNOT_INVOKE = 126, /* the command is there but cannot be run */
	EXIT_NOT_FOUND = 127,     /* there is no such command */
	EXIT_SIGNAL = 128,        /* plus the number of the signal that ended the command */
};

/* One line on standard error, made fit for a terminal, and EXIT_REFUSED. */
int command_fail(const char *format, ...) _printf_(1, 2);
