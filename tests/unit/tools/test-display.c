/* SPDX-License-Identifier: BSD-3-Clause OR GPL-2.0-or-later */
#include "tools/display.h"

#include <locale.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <cmocka.h>

static void assert_shown(const char *text, const char *expected)
{
	_cleanup_free_ char *shown = display_text(text);

	assert_string_equal(shown, expected);
}

static void plain_text_stays_as_it_is(void **state)
{
	(void)state;
	assert_shown("", "");
	assert_shown(NULL, "");
	assert_shown("alice@192.0.2.7 \"'`$", "alice@192.0.2.7 \"'`$");
	assert_shown("Zo\xc3\xab", "Zo\xc3\xab");
	assert_shown("\xe6\x97\xa5\xe6\x9c\xac", "\xe6\x97\xa5\xe6\x9c\xac");
}

static void what_could_move_the_cursor_or_the_reader_is_escaped(void **state)
{
	(void)state;
	assert_shown("\x1b[2J\r\n\t\x7f", "\\x1b[2J\\x0d\\x0a\\x09\\x7f");
	assert_shown("\xc2\x9bK", "\\xc2\\x9bK");          /* a control of ISO 6429 */
	assert_shown("\xe2\x80\xaez", "\\xe2\\x80\\xaez"); /* right-to-left override */
	assert_shown("a\xcc\x81", "a\\xcc\\x81");          /* a combining accent */
	assert_shown("\xef\xbb\xbf", "\\xef\\xbb\\xbf");   /* byte order mark */
}

static void broken_utf8_is_escaped_byte_by_byte(void **state)
{
	(void)state;
	assert_shown("\xff\xfe", "\\xff\\xfe");
	assert_shown("a\xc3", "a\\xc3");
	assert_shown("\xc3(", "\\xc3(");
	assert_shown("\xc0\xaf", "\\xc0\\xaf");                   /* an overlong slash */
	assert_shown("\xed\xa0\x80", "\\xed\\xa0\\x80");          /* half a surrogate pair */
	assert_shown("\xf5\x80\x80\x80", "\\xf5\\x80\\x80\\x80"); /* past the last character */
}

static void escaping_can_be_undone(void **state)
{
	(void)state;
	assert_shown("\\x41", "\\x5cx41");
	assert_shown("\\n\\", "\\n\\");
}

static void text_that_is_escaped_already_keeps_its_escapes(void **state)
{
	_cleanup_free_ char *shown = display_escaped("\\x1b \x1b");

	(void)state;
	assert_string_equal(shown, "\\x1b \\x1b");
}

static void times_are_local_or_exact(void **state)
{
	static const struct {
		const char *zone;
		int64_t seconds;
		const char *rounded, *exact;
	} cases[] = {
		{ "UTC0", 1700000000, "2023-11-14 22:13", "2023-11-14T22:13:20+00:00" },
		{ "XXX-5:30", 1700000000, "2023-11-15 03:43", "2023-11-15T03:43:20+05:30" },
		{ "XXX3:30", 1700000000, "2023-11-14 18:43", "2023-11-14T18:43:20-03:30" },
		{ "UTC0", 253402300799, "9999-12-31 23:59", "9999-12-31T23:59:59+00:00" },
	};

	(void)state;
	for (size_t i = 0; i < ELEMENTS(cases); i++) {
		assert_int_equal(setenv("TZ", cases[i].zone, 1), 0);
		tzset();

		_cleanup_free_ char *rounded = display_time(cases[i].seconds, false);
		_cleanup_free_ char *exact = display_time(cases[i].seconds, true);

		assert_string_equal(rounded, cases[i].rounded);
		assert_string_equal(exact, cases[i].exact);
	}
}

static void assert_text(char *text, const char *expected)
{
	_cleanup_free_ char *owned = text;

	assert_string_equal(owned, expected);
}

static void cpu_times_read_as_in_ps(void **state)
{
	(void)state;
	assert_text(display_cpu_time(0), "00:00:00");
	assert_text(display_cpu_time(86399), "23:59:59");
	assert_text(display_cpu_time(86400 * 12 + 61), "12-00:01:01");
}

static void sizes_have_five_columns_at_most(void **state)
{
	(void)state;
	assert_text(display_size(0), "0B");
	assert_text(display_size(1023), "1023B");
	assert_text(display_size(1024), "1.0K");
	assert_text(display_size(1024 * 1024 - 1), "1.0M");
	assert_text(display_size(UINT64_C(1536) << 20), "1.5G");
	assert_text(display_size(UINT64_MAX), "16.0E");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(plain_text_stays_as_it_is),
		cmocka_unit_test(what_could_move_the_cursor_or_the_reader_is_escaped),
		cmocka_unit_test(broken_utf8_is_escaped_byte_by_byte),
		cmocka_unit_test(escaping_can_be_undone),
		cmocka_unit_test(text_that_is_escaped_already_keeps_its_escapes),
		cmocka_unit_test(times_are_local_or_exact),
		cmocka_unit_test(cpu_times_read_as_in_ps),
		cmocka_unit_test(sizes_have_five_columns_at_most),
	};

	if (!setlocale(LC_CTYPE, "C.UTF-8"))
		return 77;
	return cmocka_run_group_tests(tests, NULL, NULL);
}
