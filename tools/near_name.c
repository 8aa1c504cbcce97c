/* SPDX-License-Identifier: BSD-3-Clause OR GPL-2.0-or-later */
#include "tools/near_name.h"

#include <string.h>

void near_name_offer(struct near_name *near, const char *found, const char *name)
{
	suggest(&near->best, found, name);
	if (near->best.name != name)
		return;
	(void)snprintf(near->name, sizeof(near->name), "%s", name);
	near->best.name = near->name;
}

char *near_name_hint(const struct near_name *near)
{
	char *hint = NULL;

	if (!near->best.name)
		return strdup("");
	return asprintf(&hint, "; did you mean '%s'?", near->best.name) < 0 ? NULL : hint;
}
