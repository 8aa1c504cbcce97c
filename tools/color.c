/* SPDX-License-Identifier: BSD-3-Clause OR GPL-2.0-or-later */
#include "tools/color.h"

#include <string.h>

static bool is_terminal_with_colors(void)
{
	const char *none = getenv("NO_COLOR");
	const char *type = getenv("TERM");

	return isatty(STDOUT_FILENO) && !(none && *none) && type && *type && strcmp(type, "dumb") != 0;
}

int color_decide(const char *when, bool *ret)
{
	if (!when || strcmp(when, "auto") == 0)
		*ret = is_terminal_with_colors();
	else if (strcmp(when, "always") == 0 || strcmp(when, "never") == 0)
		*ret = strcmp(when, "always") == 0;
	else
		return -EINVAL;
	return 0;
}
