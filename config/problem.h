/* SPDX-License-Identifier: BSD-3-Clause OR GPL-2.0-or-later */
#pragma once

/* The sentence that goes with an error: "return problem(ret_problem, -EINVAL, …)". */

#include "common/cleanup.h"
#include "common/format_list.h"

#include <stdarg.h>
#include <stdbool.h>

/* Writes the malloced sentence; NULL and false when memory ran out. */
static inline bool _printf_(2, 3) problem_write(char **ret_problem, const char *format, ...)
{
	va_list arguments;

	va_start(arguments, format);
	*ret_problem = format_list(format, arguments);
	va_end(arguments);
	return *ret_problem;
}

/* Writes it and gives `error`, or -ENOMEM. */
#define problem(ret_problem, error, ...)                                      \
	({                                                                    \
		int _error = (error);                                         \
		problem_write((ret_problem), __VA_ARGS__) ? _error : -ENOMEM; \
	})
