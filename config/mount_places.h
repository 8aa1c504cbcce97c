/* SPDX-License-Identifier: BSD-3-Clause OR GPL-2.0-or-later */
#pragma once

/* The directories that the mount keys of a policy name, together: their order, and what contradicts what. Pure. */

#include "config/expand.h"
#include "config/keys.h"
#include "config/policy.h"

struct mount_place {
	enum policy_key key; /* KEY_MOUNT_PRIVATE, _BIND, _HIDE, _READ_ONLY, _HOMES_ROOTS or _HIDE_ENGINES */
	char *path;          /* where it is for this login, or as the policy has it */
	const char *written; /* as the policy has it; the policy's */
	bool optional;       /* it may be missing */
	const struct private_directory *directory; /* of KEY_MOUNT_PRIVATE; the policy's */
	const struct bind_directory *bind;         /* of KEY_MOUNT_BIND; the policy's */
	char *source;                              /* of KEY_MOUNT_BIND, like path; NULL: not given */
	struct origin origin;
};

/* Sorted by path, so that a parent comes before what is below it; hide and read-only name a directory once. */
struct mount_places {
	struct mount_place *items;
	size_t count;
	char *home; /* of who logs in, below one of _HOMES_ROOTS; NULL: not known, or nothing hides homes */
};

/*
 * names: NULL leaves expansions as they are. 0; -EINVAL with *ret_problem, a malloced sentence, when a path cannot be
 * expanded, or a home directory cannot be the only one that is seen; -ENOMEM. What it makes is released by the caller,
 * also on failure.
 */
int mount_places_make(const struct policy *policy, const struct expansion *names, struct mount_places *ret,
		      char **ret_problem) _must_check_;
void mount_places_release(struct mount_places *places);

/* Whether items[index] cannot be by itself, or contradicts another. 0; -EINVAL with *ret_problem; -ENOMEM. */
int mount_place_check(const struct mount_places *places, size_t index, char **ret_problem) _must_check_;
