/* SPDX-License-Identifier: BSD-3-Clause OR GPL-2.0-or-later */
#pragma once

#include "common/cleanup.h"

/* The counters of session/counters.h, zeros where nothing was counted since boot. 0 or -errno: the file is no such one.
 */
int metrics_put_counters(FILE *out) _must_check_;
