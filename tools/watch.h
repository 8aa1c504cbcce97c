/* SPDX-License-Identifier: BSD-3-Clause OR GPL-2.0-or-later */
#pragma once

/* A command again and again, on the terminal's other screen, until q or Ctrl-C: as watch(1). */

#include "tools/nsinspect.h"

/* The option's SECONDS, NULL for the usual. 0 or -EINVAL. */
int watch_parse(const char *seconds, int *ret_milliseconds) _must_check_;

enum exit_status watch_run(const struct subcommand *command, const struct options *options, char **arguments);
