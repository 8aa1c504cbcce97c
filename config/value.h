/* SPDX-License-Identifier: BSD-3-Clause OR GPL-2.0-or-later */
#pragma once

/* One value: text of a policy file → what it means (value_parse.c), and back (value_format.c). Pure. */

#include "common/cleanup.h"
#include "config/keys.h"

#include <stdint.h>

#define VALUE_SIZE_MAX \
	(UINT64_C(1) << 50) /* bytes or files: far beyond any memory, far below an overflow in the kernel */

#define VALUE_WEIGHT_MAX  10000               /* cgroup v2's cpu.weight */
#define VALUE_INTEGER_MAX 1000000             /* and its negative */
#define VALUE_SECONDS_MAX INT64_C(3153600000) /* likewise: a hundred years, and less than the kernel takes */

#define VALUE_INFINITY    "infinity" /* no limit */

struct value {
	uint64_t number; /* VALUE_BOOL, VALUE_CHOICE, VALUE_SIZE, VALUE_COUNT and what limits; VALUE_INTEGER and
			    VALUE_SECONDS as an int64_t */
	char *text; /* VALUE_TEXT, VALUE_PATTERN, VALUE_FILE, VALUE_PATH; NULL: unset. VALUE_LIST as value_parse() gives
		       it: one item */
	char **list; /* VALUE_LIST; NULL: unset */
};

/*
 * Reads `text` as a value of a key, or as one item of a list. 0; -EINVAL with *ret_problem, a
 * malloced sentence without the key's name; -ENOMEM.
 */
int value_parse(enum policy_key key, const char *text, struct value *ret, char **ret_problem) _must_check_;
void value_release(struct value *value);

/* A name in pam.d: the items of services, and the title of service "NAME". Likewise; *ret is malloced. */
int service_name_parse(const char *text, char **ret, char **ret_problem) _must_check_;

/* The default of a key. 0 or -ENOMEM. */
int value_default(enum policy_key key, struct value *ret) _must_check_;

/* 0 or -ENOMEM. */
int value_copy(const struct value *value, struct value *ret) _must_check_;

/* Moves a value to the key's offset in `base` (struct policy, private_directory or bind_directory); frees a text it
 * replaces. */
void value_store(enum policy_key key, struct value *value, void *base);

/* Appends copies of the items of a VALUE_LIST to the list at the key's offset in `base`. 0 or -ENOMEM. */
int value_append(enum policy_key key, const struct value *value, void *base) _must_check_;

/*
 * The value at the key's offset as a file would give it, sizes with the
 * largest suffix that fits; malloced, NULL when memory ran out.
 */
char *value_format(enum policy_key key, const void *base);

/* The same to be read only. What had to be made for it goes to *storage, which was NULL: free it afterwards. */
const char *value_text(enum policy_key key, const void *base, char **storage);

/* A key with a place in one of these. */
bool key_is_stored(enum policy_key key);
