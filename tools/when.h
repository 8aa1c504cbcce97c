/* SPDX-License-Identifier: BSD-3-Clause OR GPL-2.0-or-later */
#pragma once

/* A moment in the past as people write it, in the forms that journalctl(1) --since takes. */

#include "common/cleanup.h"

#include <stdint.h>

/*
 * "2026-11-22", "2026-11-22 10:00", "2026-11-22 10:00:30", with 'T' for the space and "Z" or "+01:00" behind the time;
 * "10:00", "10:00:30" of today; "now", "today", "yesterday"; "-1h30min", "2 days ago"; "@1795330673". Local time where
 * no zone is given. now: seconds since the epoch. 0 with the seconds; -EINVAL with a sentence: no such form, no such
 * time, or one that is still to come; -ENOMEM.
 */
int when_parse(const char *text, int64_t now, int64_t *ret, char **ret_problem) _must_check_;
