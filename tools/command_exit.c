/* SPDX-License-Identifier: BSD-3-Clause OR GPL-2.0-or-later */
#include "tools/command_exit.h"

#include "common/format_list.h"
#include "tools/display.h"

#include <errno.h>
#include <stdarg.h>

int command_fail(const char *format, ...)
{
	_cleanup_free_ char *text = NULL;
	_cleanup_free_ char *shown = NULL;
	va_list arguments;

	va_start(arguments, format);
	text = format_list(format, arguments);
	va_end(arguments);
	shown = text ? display_text(text) : NULL;
	/* one write, for many run at once */
	(void)dprintf(STDERR_FILENO, "%s: %s\n", program_invocation_short_name, shown ? shown : "out of memory");
	return EXIT_REFUSED;
}
