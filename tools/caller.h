/* SPDX-License-Identifier: BSD-3-Clause OR GPL-2.0-or-later */
#pragma once

/* Who types the command, for the log: as the kernel has it, and never by a variable of the environment. */

#include "session/log_text.h"

#include <sys/types.h>

/* Whose login it was, through sudo and su: the audit uid, proc_pid_loginuid(5); without one whose process it is. */
uid_t caller_uid(void);

/* That uid's name, or its number. */
struct log_word caller_name(void);

/* The first terminal among the standard streams: "/dev/pts/3", or "-". */
struct log_word caller_terminal(void);
