/* SPDX-License-Identifier: BSD-3-Clause OR GPL-2.0-or-later */
#pragma once

/*
 * Printing a table to what is no terminal, where nothing is cut or wrapped, as libsmartcols prints it: that asks the
 * locale several times for the width of every character, which takes longer than all else that a list of sessions does.
 */

#include <libsmartcols.h>
#include <stdbool.h>

/* Prints to standard output. False with nothing printed: libsmartcols is to do it. */
bool plain_table_print(struct libscols_table *table);
