/* SPDX-License-Identifier: BSD-3-Clause OR GPL-2.0-or-later */
#pragma once

#include "config/diagnostics.h"
#include "config/policy.h"

/* What is odd about the section limits: warnings only. */
void check_limits(const struct policy *policy, struct diagnostics *diag);
