/* SPDX-License-Identifier: BSD-3-Clause OR GPL-2.0-or-later */
#pragma once

/*
 * Much work of the same kind, shared with children of this process: whoever is free takes what comes next. A child
 * says of an item in 32 bits what it made of it. It may end, or be killed, at any moment: what it has said
 * nothing of is left to this process, and a child's work must be such that it may be done again.
 */

#include "common/cleanup.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define SHARED_UNDECIDED 0

struct shared_work {
	size_t count; /* items */
	void *data;   /* for all below */
	/*
	 * In children, before they help with the items: 0 .. starts-1, of which each child makes some that follow each
	 * other, one after another, up to `end`.
	 */
	void (*start)(size_t number, size_t end, void *data);
	size_t starts;
	int patience_ms; /* that each of these may take */
	/* In a child: what is to be said of an item, or SHARED_UNDECIDED. */
	uint32_t (*help)(size_t item, void *data);
	/* In this process, of the items that it takes itself, and of those that no child decided. Negative: all ends.
	 */
	int (*decide)(size_t item, void *data);
	/* In this process, of what a child has said of an item. */
	void (*accept)(size_t item, uint32_t said, void *data);
};

/*
 * 0; what `decide` returned; or -errno, as that of fork(2) where there are starts. *ret_stuck: the number of a start()
 * that took too long, so that the children were killed, with others begun or not, or `starts`.
 */
int shared_work_do(const struct shared_work *work, size_t *ret_stuck) _must_check_;

/* Memory that children share with this process, filled with 0. NULL when there is none left. */
void *shared_memory_new(size_t size);
void shared_memory_free(void *memory, size_t size);
