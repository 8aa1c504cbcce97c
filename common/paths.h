/* SPDX-License-Identifier: BSD-3-Clause OR GPL-2.0-or-later */
#pragma once

/* Where one path lies of another: both are absolute and normalised, without "//", ".", ".." and trailing slash. */

#include <stdbool.h>
#include <string.h>

/* True if `path` is `tree` or lies below it. "/" is above everything. */
static inline bool path_is_within(const char *path, const char *tree)
{
	const size_t length = strlen(tree);

	if (strcmp(tree, "/") == 0)
		return true;
	return strncmp(path, tree, length) == 0 && (path[length] == '\0' || path[length] == '/');
}

/* True if it lies strictly below. */
static inline bool path_is_below(const char *path, const char *tree)
{
	return path_is_within(path, tree) && strcmp(path, tree) != 0;
}
