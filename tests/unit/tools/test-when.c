/* SPDX-License-Identifier: BSD-3-Clause OR GPL-2.0-or-later */
#include "tools/when.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>
#include <time.h>

#include <cmocka.h>

#define NOW 1795330673 /* Sunday 2026-11-22 07:37:53 in Berlin */

static const struct {
	const char *text;
	int64_t seconds;
} times[] = {
	{ "now", NOW },
	{ "today", 1795302000 },
	{ "yesterday", 1795302000 - 86400 },
	{ "2026-11-22", 1795302000 },
	{ "2026-11-22 07:00", 1795302000 + 25200 },
	{ "2026-11-22 07:00:05", 1795302000 + 25205 },
	{ "2026-11-22T07:00:05", 1795302000 + 25205 },
	{ "2026-11-22T07:00:05+01:00", 1795302000 + 25205 },
	{ "2026-11-22T06:00:05Z", 1795302000 + 25205 },
	{ "2026-11-22 01:30-0430", 1795302000 + 25200 },
	{ "2026-07-01", 1782856800 },
	{ "2024-02-29", 1709161200 },
	{ "07:00", 1795302000 + 25200 },
	{ "07:00:05", 1795302000 + 25205 },
	{ "@0", 0 },
	{ "@1795330673", NOW },
	{ "-1h", NOW - 3600 },
	{ "-1h30min", NOW - 5400 },
	{ "-1h 30min", NOW - 5400 },
	{ "-90s", NOW - 90 },
	{ "-2 weeks", NOW - 1209600 },
	{ "-0s", NOW },
	{ "2 days ago", NOW - 172800 },
	{ "1d 2h ago", NOW - 93600 },
};

static const struct {
	const char *text;
	const char *says;
} mistakes[] = {
	{ "", "is no time" },
	{ "soon", "is no time" },
	{ "-", "is no time" },
	{ "-1", "is no time" },
	{ "-h", "is no time" },
	{ "-1month", "is no time" },
	{ "-1H", "is no time" },
	{ "-1hago", "is no time" },
	{ "-1h ago", "is no time" },
	{ "1h", "is no time" },
	{ "+1h", "is no time" },
	{ "-1h-30min", "is no time" },
	{ "-99999999999999999999s", "is no time" },
	{ "-9999999999w", "is no time" },
	{ "@", "is no time" },
	{ "@-1", "is no time" },
	{ "@1.5", "is no time" },
	{ "@99999999999999999999", "is no time" },
	{ "2026-11-2", "is no time" },
	{ "26-11-22", "is no time" },
	{ "2026-11-22 ", "is no time" },
	{ "2026-11-22 7:00", "is no time" },
	{ "2026-11-22 07", "is no time" },
	{ "2026-11-22 07:00 ", "is no time" },
	{ "2026-11-22 07:00+1", "is no time" },
	{ "2026-11-22 07:00+15:00", "is no time" },
	{ " 2026-11-22", "is no time" },
	{ "2026/11/22", "is no time" },
	{ "07:00:", "is no time" },
	{ "2026-02-29", "no such day or time" },
	{ "2026-13-01", "no such day or time" },
	{ "2026-00-10", "no such day or time" },
	{ "2026-11-22 24:00", "no such day or time" },
	{ "2026-11-22 07:60", "no such day or time" },
	{ "06:59:60", "no such day or time" },
	/* the hour that summer time left out */
	{ "2026-03-29 02:30", "no such day or time" },
	{ "2026-11-23", "still to come" },
	{ "08:00", "still to come" },
	{ "@1795330674", "still to come" },
};

static void every_form_is_read(void **state)
{
	(void)state;
	for (size_t i = 0; i < ELEMENTS(times); i++) {
		_cleanup_free_ char *problem = NULL;
		int64_t seconds = -1;

		if (when_parse(times[i].text, NOW, &seconds, &problem) != 0 || seconds != times[i].seconds)
			fail_msg("%s: %jd, not %jd; %s", times[i].text, (intmax_t)seconds, (intmax_t)times[i].seconds,
				 problem ? problem : "");
	}
}

static void mistakes_are_told(void **state)
{
	(void)state;
	for (size_t i = 0; i < ELEMENTS(mistakes); i++) {
		_cleanup_free_ char *problem = NULL;
		int64_t seconds = -1;

		if (when_parse(mistakes[i].text, NOW, &seconds, &problem) != -EINVAL || seconds != -1 || !problem ||
		    !strstr(problem, mistakes[i].says))
			fail_msg("%s: %jd; %s", mistakes[i].text, (intmax_t)seconds, problem ? problem : "");
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_form_is_read),
		cmocka_unit_test(mistakes_are_told),
	};

	(void)setenv("TZ", "CET-1CEST,M3.5.0,M10.5.0/3", 1);
	tzset();
	return cmocka_run_group_tests(tests, NULL, NULL);
}
