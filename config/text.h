/* SPDX-License-Identifier: BSD-3-Clause OR GPL-2.0-or-later */
#pragma once

/* Bytes that may be shown and logged as they are. Pure. */

#include <stddef.h>

/*
 * Length of the printable UTF-8 character at the start of the `size` bytes at
 * `text`: 1 to 4; 0 when there is none (control characters of ASCII and of
 * Latin-1, overlong forms, surrogates, a cut sequence).
 */
size_t text_character(const char *text, size_t size);
