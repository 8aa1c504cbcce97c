/* SPDX-License-Identifier: BSD-3-Clause OR GPL-2.0-or-later */
#pragma once

/* What a stack needs of the host and does not find: module files, the policy directory, groups. */

#include "tools/pam_judge.h"

/* Adds what is wrong to the verdict of a stack that has, or is meant to have, the module. 0 or -ENOMEM. */
int pam_host_judge(const struct pam_stack *stack, struct pam_verdict *verdict) _must_check_;
