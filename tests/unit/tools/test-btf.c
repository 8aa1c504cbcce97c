/* SPDX-License-Identifier: BSD-3-Clause OR GPL-2.0-or-later */
#include "tools/btf.h"

#include <linux/btf.h>
#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

#define INFO(kind, count) ((uint32_t)(kind) << 24 | (count))
#define BIT_FIELDS        0x80000000U

/* "" "outer" "first" "deep" "func" "int" */
#define STRINGS "\0outer\0first\0deep\0func\0int"
enum { OUTER = 1, FIRST = 7, DEEP = 13, FUNC = 18, INT = 23 };

struct file {
	struct btf_header header;
	uint32_t words[64];
	char strings[sizeof(STRINGS)];
};

/*
 * 1 int; 2 struct outer { int first; union { struct { int; int deep; }; }; }; 3 the union; 4 the structure; 5 func;
 * 6 an enum, which is passed over; 7 another struct outer, of `extra` words.
 */
static struct file make(const uint32_t *extra, size_t extra_words)
{
	const uint32_t words[] = {
		/* 1 */ INT,   INFO(BTF_KIND_INT, 0),    4,  32,
		/* 2 */ OUTER, INFO(BTF_KIND_STRUCT, 2), 12, FIRST, 1, 0, 0,    3, 32,
		/* 3 */ 0,     INFO(BTF_KIND_UNION, 1),  8,  0,     4, 0,
		/* 4 */ 0,     INFO(BTF_KIND_STRUCT, 2), 8,  INT,   1, 0, DEEP, 1, 32,
		/* 5 */ FUNC,  INFO(BTF_KIND_FUNC, 0),   1,
		/* 6 */ 0,     INFO(BTF_KIND_ENUM, 1),   4,  FIRST, 0,
	};
	struct file file = { .header = { .magic = BTF_MAGIC, .version = BTF_VERSION, .hdr_len = sizeof(file.header) } };

	memcpy(file.words, words, sizeof(words));
	if (extra_words > 0)
		memcpy(file.words + ELEMENTS(words), extra, extra_words * sizeof(*extra));
	memcpy(file.strings, STRINGS, sizeof(STRINGS));
	file.header.type_len = (uint32_t)((ELEMENTS(words) + extra_words) * sizeof(*words));
	file.header.str_off = sizeof(file.words);
	file.header.str_len = sizeof(file.strings);
	return file;
}

static int find(const struct file *file, size_t size, struct btf_field fields[3], struct btf_function *function)
{
	/* of its own size, so that reading behind it shows */
	_cleanup_free_ void *copy = malloc(size > 0 ? size : 1);

	assert_non_null(copy);
	memcpy(copy, file, size);
	fields[0] = (struct btf_field){ "outer", "first", 0 };
	fields[1] = (struct btf_field){ "outer", "deep", 0 };
	fields[2] = (struct btf_field){ "outer", NULL, 0 };
	*function = (struct btf_function){ "func", 0 };
	return btf_find(copy, size, fields, 3, function, 1);
}

static void members_are_found_also_in_structures_without_a_name(void **state)
{
	const struct file file = make(NULL, 0);
	struct btf_field fields[3];
	struct btf_function function;

	(void)state;
	assert_int_equal(find(&file, sizeof(file), fields, &function), 0);
	assert_int_equal(fields[0].bytes, 0);
	assert_int_equal(fields[1].bytes, 8);
	assert_int_equal(fields[2].bytes, 12);
	assert_int_equal(function.id, 5);
}

static void second_type_of_a_name_must_agree(void **state)
{
	static const struct {
		uint32_t words[9];
		int result;
	} cases[] = {
		{ { OUTER, INFO(BTF_KIND_STRUCT, 2), 12, FIRST, 1, 0, DEEP, 1, 64 }, 0 },
		{ { OUTER, INFO(BTF_KIND_STRUCT, 2), 12, FIRST, 1, 32, DEEP, 1, 64 }, -ENOTUNIQ },
		{ { OUTER, INFO(BTF_KIND_STRUCT, 2), 16, FIRST, 1, 0, DEEP, 1, 64 }, -ENOTUNIQ },
		/* of 4 bits at 32, and of none at 64 */
		{ { OUTER, INFO(BTF_KIND_STRUCT, 2) | BIT_FIELDS, 12, FIRST, 1, 4U << 24 | 32, DEEP, 1, 64 }, 0 },
	};

	(void)state;
	for (size_t i = 0; i < ELEMENTS(cases); i++) {
		const struct file file = make(cases[i].words, ELEMENTS(cases[i].words));
		struct btf_field fields[3];
		struct btf_function function;

		assert_int_equal(find(&file, sizeof(file), fields, &function), cases[i].result);
	}
}

static void what_is_damaged_is_refused(void **state)
{
	static const struct {
		size_t offset; /* of 4 bytes in the file */
		uint32_t value;
		int result;
	} cases[] = {
		{ offsetof(struct file, header), 0x01009fec, -EBADMSG },
		{ offsetof(struct file, header.hdr_len), 1 << 20, -EBADMSG },
		{ offsetof(struct file, header.hdr_len), 4, -EBADMSG },
		{ offsetof(struct file, header.type_off), UINT32_MAX, -EBADMSG },
		{ offsetof(struct file, header.type_len), UINT32_MAX, -EBADMSG },
		{ offsetof(struct file, header.type_len), 100, -EBADMSG },
		{ offsetof(struct file, header.type_len), 0, -ENOENT },
		{ offsetof(struct file, header.str_len), 0, -EBADMSG },
		{ offsetof(struct file, header.str_len), 4, -EBADMSG },
		{ offsetof(struct file, words[1]), INFO(31, 0), -EBADMSG },
		/* more members than there are bytes */
		{ offsetof(struct file, words[5]), INFO(BTF_KIND_STRUCT, 0xffff), -EBADMSG },
		/* a name behind the strings */
		{ offsetof(struct file, words[4]), 1 << 20, -ENOENT },
		/* a member without a name of a type that is not there, and of its own */
		{ offsetof(struct file, words[11]), 1 << 20, -EBADMSG },
		{ offsetof(struct file, words[11]), 2, -ENOENT },
		/* a member that begins within a byte */
		{ offsetof(struct file, words[9]), 3, -ENOENT },
	};

	(void)state;
	for (size_t i = 0; i < ELEMENTS(cases); i++) {
		struct file file = make(NULL, 0);
		struct btf_field fields[3];
		struct btf_function function;

		memcpy((char *)&file + cases[i].offset, &cases[i].value, sizeof(cases[i].value));
		assert_int_equal(find(&file, sizeof(file), fields, &function), cases[i].result);
	}
}

static void every_end_is_survived(void **state)
{
	const struct file file = make(NULL, 0);

	(void)state;
	for (size_t size = 0; size < offsetof(struct file, strings) + sizeof(STRINGS); size++) {
		struct btf_field fields[3];
		struct btf_function function;

		assert_int_equal(find(&file, size, fields, &function), -EBADMSG);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(members_are_found_also_in_structures_without_a_name),
		cmocka_unit_test(second_type_of_a_name_must_agree),
		cmocka_unit_test(what_is_damaged_is_refused),
		cmocka_unit_test(every_end_is_survived),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
