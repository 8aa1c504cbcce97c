/* SPDX-License-Identifier: BSD-3-Clause OR GPL-2.0-or-later */

/* What a screen shows of a text, and what --watch takes for seconds. */

#include "tools/frame.h"

#include <locale.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

static void line_fits_by_columns_not_by_bytes(void **state)
{
	static const struct {
		const char *line;
		size_t columns, fits;
		int colored;
	} cases[] = {
		{ "", 5, 0, 0 },
		{ "plain", 5, 5, 0 },
		{ "plain", 4, 4, 0 },
		{ "plain", 0, 0, 0 },
		{ "\342\224\224\342\224\200x", 2, 6, 0 }, /* box drawing, a column each */
		{ "\345\255\227\345\255\227", 3, 3, 0 },  /* two columns each */
		{ "\033[31mred\033[0m", 3, 12, 1 },
		{ "\033[31mred\033[0m", 2, 7, 1 },
		{ "\033[2J", 2, 2, 0 }, /* another sequence is no colour */
		{ "\377\376", 1, 1, 0 },
	};

	(void)state;
	for (size_t i = 0; i < ELEMENTS(cases); i++) {
		int colored;

		assert_int_equal(frame_fit(cases[i].line, strlen(cases[i].line), cases[i].columns, &colored),
				 cases[i].fits);
		assert_int_equal(colored, cases[i].colored);
	}
}

static void frame_is_drawn_over_the_last(void **state)
{
	static const struct {
		const char *text;
		size_t rows, columns;
		const char *frame;
	} cases[] = {
		{ "", 5, 9, "\033[Htitle\033[K\033[J" },
		{ "a\nb\n", 5, 9, "\033[Htitle\033[K\r\na\033[K\r\nb\033[K\033[J" },
		{ "a\nb\n", 2, 9, "\033[Htitle\033[K\r\na\033[K\033[J" },
		{ "abcd\n", 5, 3, "\033[Htit\033[K\r\nabc\033[K\033[J" },
		{ "\033[31mabcd\033[0m", 5, 2, "\033[Hti\033[K\r\n\033[31mab\033[0m\033[K\033[J" },
		{ "a\n\nb", 9, 9, "\033[Htitle\033[K\r\na\033[K\r\n\033[K\r\nb\033[K\033[J" },
	};

	(void)state;
	for (size_t i = 0; i < ELEMENTS(cases); i++) {
		_cleanup_free_ char *frame = frame_make("title", cases[i].text, cases[i].rows, cases[i].columns);

		assert_string_equal(frame, cases[i].frame);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(line_fits_by_columns_not_by_bytes),
		cmocka_unit_test(frame_is_drawn_over_the_last),
	};

	if (!setlocale(LC_CTYPE, "C.UTF-8"))
		return 77;
	return cmocka_run_group_tests(tests, NULL, NULL);
}
