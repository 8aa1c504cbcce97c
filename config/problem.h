/* SPDX-License-Identifier: BSD-3-Clause OR GPL-2.0-or-later */
#pragma once

/* The sentence that goes with an error: "return problem(ret_problem, -EINVAL, …)". */

#include "common/cleanup.h"

#include <stdarg.h>

/* Writes the malloced sentence and returns `error`; -ENOMEM and NULL when memory ran out. */
static inline int _printf_(3, 4) problem(char **ret_problem, int error, const char *format, ...)
{
	va_list arguments;
	int length;

	va_start(arguments, format);
	length = vasprintf(ret_problem, format, arguments);
	va_end(arguments);
	if (length < 0) {
		*ret_problem = NULL;
		return -ENOMEM;
	}
	return error;
}
