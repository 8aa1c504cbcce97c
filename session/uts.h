/* SPDX-License-Identifier: BSD-3-Clause OR GPL-2.0-or-later */
#pragma once

/* The two names of a UTS namespace, uts_namespaces(7). 0 or -errno. */

#include "session/plan.h"

int apply_hostname(const struct step *step) _must_check_;
int apply_domainname(const struct step *step) _must_check_;
