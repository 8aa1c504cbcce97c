/* SPDX-License-Identifier: BSD-3-Clause OR GPL-2.0-or-later */
#pragma once

/* What a screen shows of a text. Pure but for the locale. */

#include "common/cleanup.h"

#include <stddef.h>

/*
 * Bytes of one line that fit into so many columns, from its start, without its newline. Colours, "ESC [ ... m", take
 * none; *ret_colored is set where what fits has one, which is then to be ended.
 */
size_t frame_fit(const char *line, size_t length, size_t columns, int *ret_colored);

/*
 * The lines of a text for a screen of that size, drawn over what was there: malloced, NULL when memory ran out. `title`
 * is the first line. What does not fit is left out.
 */
char *frame_make(const char *title, const char *text, size_t rows, size_t columns) _must_check_;
