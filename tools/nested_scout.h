/* SPDX-License-Identifier: BSD-3-Clause OR GPL-2.0-or-later */
#pragma once

/*
 * Whether anything was ever nested in sessions, found out by a child while the reader goes on: in most there is
 * nothing. The child walks along paths inside, where root may have mounted what never answers.
 */

#include "session/record.h"

struct nested_scout;

/* Starts with the records of live sessions with mounts of their own. 0; or -errno, and nothing is known of any. */
int nested_scout_new(const struct record_list *records, struct nested_scout **ret) _must_check_;

/* Waits until the child has ended, or has said nothing new for too long. */
void nested_scout_wait(struct nested_scout *scout);

/* True where nothing is nested in the session of this init; asked in the order of the records. */
bool nested_scout_is_empty(struct nested_scout *scout, pid_t init);

struct nested_scout *nested_scout_free(struct nested_scout *scout);
static inline void nested_scout_freep(struct nested_scout **scout)
{
	(void)nested_scout_free(*scout);
}
