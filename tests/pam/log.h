/* SPDX-License-Identifier: BSD-3-Clause OR GPL-2.0-or-later */
#pragma once

#include <stdbool.h>
#include <stddef.h>

/* Makes /dev/log, and a process that reads it. Once, before anything logs. */
void log_start(void);

/* Every line since the case began, or since log_forget(). */
bool logged(const char *text);
size_t count_logged(const char *text);
const char *log_text(void);
void log_forget(void);
