/* SPDX-License-Identifier: BSD-3-Clause OR GPL-2.0-or-later */
#include "config/module_arguments.h"
#include "nsisolate-config.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#define WORDS_MAX 4

static int count_of(const char *const *words)
{
	int count = 0;

	while (count < WORDS_MAX && words[count])
		count++;
	return count;
}

static void a_line_without_arguments_does_both_with_the_system_s_policies(void **state)
{
	struct module_arguments arguments;
	const char *bad = NULL;

	(void)state;
	assert_int_equal(module_arguments_parse(0, NULL, &arguments, &bad), 0);
	assert_null(bad);
	assert_string_equal(arguments.policy, NSISOLATE_POLICY_DIRECTORY);
	assert_null(arguments.exempt);
	assert_false(arguments.optional || arguments.debug);
	assert_true(arguments.open && arguments.close);
}

static void every_argument_is_taken(void **state)
{
	const char *open[] = { "open", "policy=/srv/p", "exempt=a,@b", "optional" }, *close[] = { "close", "debug" };
	struct module_arguments arguments;
	const char *bad = NULL;

	(void)state;
	assert_int_equal(module_arguments_parse(4, open, &arguments, &bad), 0);
	assert_string_equal(arguments.policy, "/srv/p");
	assert_string_equal(arguments.exempt, "a,@b");
	assert_true(arguments.open && arguments.optional);
	assert_false(arguments.close || arguments.debug);
	assert_int_equal(module_arguments_parse(2, close, &arguments, &bad), 0);
	assert_true(arguments.close && arguments.debug);
	assert_false(arguments.open);
}

static void what_is_wrong_is_named_and_the_rest_is_taken_all_the_same(void **state)
{
	static const struct {
		const char *words[WORDS_MAX];
		const char *bad;
	} cases[] = {
		{ { "nonsense" }, "nonsense" },
		{ { "" }, "" },
		{ { "Open" }, "Open" },
		{ { "policy" }, "policy" },
		{ { "policy=" }, "policy=" },
		{ { "policy=relative" }, "policy=relative" },
		{ { "policy=/a", "policy=/b" }, "policy=/b" },
		{ { "exempt=" }, "exempt=" },
		{ { "exempt=a", "exempt=b" }, "exempt=b" },
		{ { "optional=1" }, "optional=1" },
		{ { "debug", "debug" }, "debug" },
		{ { "opti", "wrong=1" }, "opti" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		const char *words[WORDS_MAX + 1] = { "close" };
		struct module_arguments arguments;
		const char *bad = NULL;

		memcpy(words + 1, cases[i].words, sizeof(cases[i].words));
		assert_int_equal(module_arguments_parse(1 + count_of(cases[i].words), words, &arguments, &bad),
				 -EINVAL);
		assert_string_equal(bad, cases[i].bad);
		assert_true(arguments.close);
		assert_non_null(arguments.policy);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_line_without_arguments_does_both_with_the_system_s_policies),
		cmocka_unit_test(every_argument_is_taken),
		cmocka_unit_test(what_is_wrong_is_named_and_the_rest_is_taken_all_the_same),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
