/* SPDX-License-Identifier: BSD-3-Clause OR GPL-2.0-or-later */
#pragma once

/* What the keys of network.mode "veth" must not combine. */

#include "config/diagnostics.h"
#include "config/policy.h"

/* False when a mistake went to diag; warnings go there as well. */
bool check_veth(const struct policy *policy, struct diagnostics *diag) _must_check_;
