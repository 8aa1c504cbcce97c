/* SPDX-License-Identifier: BSD-3-Clause OR GPL-2.0-or-later */
#include "tools/nsrun_fail.h"

#include "tools/display.h"

#include <stdarg.h>

int nsrun_fail(const char *format, ...)
{
	_cleanup_free_ char *text = NULL;
	_cleanup_free_ char *shown = NULL;
	va_list arguments;

	va_start(arguments, format);
	if (vasprintf(&text, format, arguments) < 0)
		text = NULL;
	va_end(arguments);
	shown = text ? display_text(text) : NULL;
	/* one write, for many run at once */
	(void)dprintf(STDERR_FILENO, "nsrun: %s\n", shown ? shown : "out of memory");
	return EXIT_NSRUN;
}
