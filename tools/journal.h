/* SPDX-License-Identifier: BSD-3-Clause OR GPL-2.0-or-later */
#pragma once

/* The systemd journal, where it was built in (journal_systemd.c, else journal_none.c) and where it runs. */

#include <stdbool.h>
#include <stddef.h>

/* priority: of syslog(3). fields: malloced or constant "KEY=value". False: the line is to go to syslog(3) instead. */
bool journal_send(int priority, const char *message, char *const *fields, size_t count);
