/* SPDX-License-Identifier: BSD-3-Clause OR GPL-2.0-or-later */
#pragma once

/* Whether output is coloured: what was asked for, else what standard output and the environment allow. */

#include "common/cleanup.h"

#include <stdbool.h>

/*
 * `when`: "always", "never", "auto" or NULL. By itself only on a terminal that is not dumb, and not where NO_COLOR is
 * set (https://no-color.org). 0 or -EINVAL: it is none of these.
 */
int color_decide(const char *when, bool *ret) _must_check_;
