/* SPDX-License-Identifier: BSD-3-Clause OR GPL-2.0-or-later */
#include "support.h"

#include "config/expand.h"

#include <string.h>

#define A64 "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
#define A55 "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"

static const struct expansion alice = {
	.user = "alice", .uid = 4294967294, .group = "users", .host = "web1.example.org", .session = "7k3f"
};

static void assert_expand(const char *pattern, const struct expansion *values, enum expand_kind kind,
			  const char *expected, const char *problem)
{
	_cleanup_free_ char *text = NULL, *sentence = NULL;
	int r = expand(pattern, values, kind, &text, &sentence);

	assert_int_equal(r, problem ? -EINVAL : 0);
	if (problem)
		assert_string_equal(sentence, problem);
	else
		assert_string_equal(text, expected);
	assert_true(problem ? !text : !sentence);
}

static void everything_expands_and_nothing_else(void **state)
{
	(void)state;
	assert_expand("", &alice, EXPAND_TEXT, "", NULL);
	assert_expand("%u %U %g %h %s %%", &alice, EXPAND_TEXT, "alice 4294967294 users web1.example.org 7k3f %", NULL);
	assert_expand("$HOME ~ ${X} \\n", &alice, EXPAND_TEXT, "$HOME ~ ${X} \\n", NULL);
	assert_expand("%%u", &alice, EXPAND_TEXT, "%u", NULL);
	assert_expand("a%", &alice, EXPAND_TEXT, NULL, "'a%' ends with a lone '%'; write '%%' for the character");
	assert_expand("%%%", &alice, EXPAND_TEXT, NULL, "'%%%' ends with a lone '%'; write '%%' for the character");
	assert_expand("%x", &alice, EXPAND_TEXT, NULL, "'%x' in '%x' is none of %u, %U, %g, %h, %s, %%");
}

static void a_value_that_is_not_known_is_an_error(void **state)
{
	struct expansion values = alice;

	(void)state;
	values.group = "";
	assert_expand("%g", &values, EXPAND_TEXT, NULL, "'%g' in '%g' has no value here");
	values.session = NULL;
	assert_expand("%s", &values, EXPAND_HOSTNAME, NULL, "'%s' in '%s' has no value here");
}

static void a_path_takes_only_plain_names(void **state)
{
	static const char *const bad[] = { "a/b", "..", ".", "a b", "a\n", "\xc3\xa9", "a$", "alice@EXAMPLE.ORG" };
	struct expansion values = alice;

	(void)state;
	assert_expand("/srv/%u/%U", &alice, EXPAND_PATH, "/srv/alice/4294967294", NULL);
	values.user = "A.b_c-9";
	assert_expand("/srv/%u", &values, EXPAND_PATH, "/srv/A.b_c-9", NULL);
	for (size_t i = 0; i < ELEMENTS(bad); i++) {
		_cleanup_free_ char *problem = NULL;

		values.user = bad[i];
		assert_true(asprintf(&problem,
				     "'%%u' in '/srv/%%u' is '%s' here, which has no place in a path; use %%U",
				     bad[i]) > 0);
		assert_expand("/srv/%u", &values, EXPAND_PATH, NULL, problem);
		assert_expand("%u", &values, EXPAND_TEXT, bad[i], NULL);
	}
}

static void a_host_name_is_cleaned_and_shortened_alike_every_time(void **state)
{
	struct expansion values = alice;
	_cleanup_free_ char *first = NULL, *second = NULL, *again = NULL, *sentence = NULL;

	(void)state;
	assert_expand("%h", &alice, EXPAND_HOSTNAME, "web1-example-org", NULL);
	values.user = "a b/\xc3\xa9_;";
	assert_expand("%u", &values, EXPAND_HOSTNAME, "a-b-----", NULL);
	assert_expand("100%%-%%u", &alice, EXPAND_HOSTNAME, "100---u", NULL);
	values.host = A64;
	assert_expand("%h", &values, EXPAND_HOSTNAME, A64, NULL);

	assert_int_equal(expand("%h-1", &values, EXPAND_HOSTNAME, &first, &sentence), 0);
	assert_int_equal(expand("%h-2", &values, EXPAND_HOSTNAME, &second, &sentence), 0);
	assert_int_equal(expand("%h-1", &values, EXPAND_HOSTNAME, &again, &sentence), 0);
	assert_int_equal(strlen(first), HOSTNAME_MAX);
	assert_int_equal(strncmp(first, A55 "-", 56), 0);
	assert_string_equal(first, again);
	assert_string_not_equal(first, second);
	assert_int_equal(strspn(first, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-"),
			 HOSTNAME_MAX);
	assert_expand("", &values, EXPAND_HOSTNAME, NULL, "the host name is empty");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(everything_expands_and_nothing_else),
		cmocka_unit_test(a_value_that_is_not_known_is_an_error),
		cmocka_unit_test(a_path_takes_only_plain_names),
		cmocka_unit_test(a_host_name_is_cleaned_and_shortened_alike_every_time),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
