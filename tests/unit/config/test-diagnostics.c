/* SPDX-License-Identifier: BSD-3-Clause OR GPL-2.0-or-later */
#include "support.h"

#include "config/diagnostics.h"
#include "config/suggest.h"

#include <string.h>

static void a_message_is_one_line_without_control_characters(void **state)
{
	struct diagnostics list = { 0 };
	_cleanup_free_ char *first = NULL, *second = NULL;

	(void)state;
	diagnostics_add(&list, SEVERITY_WARNING, "a\n.conf", 0, "%s",
			"x\n\x1b[31m\x7f\xff\xc2\x9b \xc3\xa9 \xf0\x9f\x90\x9f");
	diagnostics_add(&list, SEVERITY_ERROR, "b.conf", 3, "%d is %s", 7, "odd");
	first = diagnostic_format(&list.items[0]);
	second = diagnostic_format(&list.items[1]);
	assert_string_equal(first, "a\\x0a.conf: x\\x0a\\x1b[31m\\x7f\\xff\\xc2\\x9b \xc3\xa9 \xf0\x9f\x90\x9f");
	assert_string_equal(second, "b.conf:3: 7 is odd");
	diagnostics_release(&list);
	assert_int_equal(list.count, 0);
}

static void warnings_alone_do_not_refuse(void **state)
{
	struct diagnostics list = { 0 };

	(void)state;
	assert_false(diagnostics_failed(&list));
	assert_null(diagnostics_first_error(&list));
	diagnostics_add(&list, SEVERITY_WARNING, "a", 1, "careful");
	assert_false(diagnostics_failed(&list));
	diagnostics_add(&list, SEVERITY_ERROR, "a", 2, "wrong");
	diagnostics_add(&list, SEVERITY_ERROR, "a", 3, "wrong too");
	assert_true(diagnostics_failed(&list));
	assert_int_equal(diagnostics_first_error(&list)->line, 2);
	diagnostics_release(&list);
}

static void a_list_that_is_cut_is_a_failure(void **state)
{
	struct diagnostics list = { 0 };

	(void)state;
	for (unsigned i = 0; i < 10000; i++)
		diagnostics_add(&list, SEVERITY_WARNING, "a", i, "careful");
	assert_true(list.count < 1000);
	assert_true(list.truncated);
	assert_true(diagnostics_failed(&list));
	diagnostics_release(&list);
}

static void the_nearest_name_is_suggested(void **state)
{
	static const struct {
		const char *a, *b;
		unsigned distance;
	} cases[] = {
		{ "", "", 0 },          { "mode", "mode", 0 },    { "mode", "mod", 1 },
		{ "mode", "mdoe", 1 },  { "mode", "nodes", 2 },   { "", "ab", 2 },
		{ "mode", "scope", 3 }, { "mode", "network", 3 }, { "abcdef", "badcfe", 3 },
	};
	struct suggestion best = { 0 };
	char text[100];

	(void)state;
	for (size_t i = 0; i < ELEMENTS(cases); i++) {
		assert_int_equal(edit_distance(cases[i].a, cases[i].b, 2), cases[i].distance);
		assert_int_equal(edit_distance(cases[i].b, cases[i].a, 2), cases[i].distance);
	}
	memset(text, 'a', sizeof(text) - 1);
	text[sizeof(text) - 1] = '\0';
	assert_int_equal(edit_distance(text, text, 2), 3);
	suggest(&best, "hots", "network");
	assert_null(best.name);
	suggest(&best, "hots", "hosts");
	suggest(&best, "hots", "host");
	assert_string_equal(best.name, "hosts");
	best = (struct suggestion){ 0 };
	suggest(&best, "xn", "on");
	assert_null(best.name);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_message_is_one_line_without_control_characters),
		cmocka_unit_test(warnings_alone_do_not_refuse),
		cmocka_unit_test(a_list_that_is_cut_is_a_failure),
		cmocka_unit_test(the_nearest_name_is_suggested),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
