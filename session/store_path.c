/* SPDX-License-Identifier: BSD-3-Clause OR GPL-2.0-or-later */
#include "session/store.h"

#include <stdint.h>

char *store_path(uid_t uid, const char *path)
{
	_cleanup_free_ char *name = path_encode(path);
	char *text;

	if (!name || asprintf(&text, STORE_ROOT "/%ju/%s", (uintmax_t)uid, name) < 0)
		return NULL;
	return text;
}
