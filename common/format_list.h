/* SPDX-License-Identifier: BSD-3-Clause OR GPL-2.0-or-later */
#pragma once

#include "common/cleanup.h"

#include <stdarg.h>

/* What vasprintf(3) makes; malloced, NULL when memory ran out, where that leaves its result undefined. */
static inline char *_printf_(1, 0) format_list(const char *format, va_list arguments)
{
	char *text;

	return vasprintf(&text, format, arguments) < 0 ? NULL : text;
}
