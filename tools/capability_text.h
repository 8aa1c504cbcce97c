/* SPDX-License-Identifier: BSD-3-Clause OR GPL-2.0-or-later */
#pragma once

#include "common/cleanup.h"

#include <stdint.h>

/*
 * A set of capabilities(7) in the fewest words: "none", "all" that this kernel has, "all but sys_admin,sys_module", or
 * "net_raw,setuid". Malloced; NULL when memory ran out.
 */
char *capability_text(uint64_t set) _must_check_;
