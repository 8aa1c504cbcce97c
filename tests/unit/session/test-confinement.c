/* SPDX-License-Identifier: BSD-3-Clause OR GPL-2.0-or-later */

/* What confines a process, as /proc tells it, and what of two counts. */

#include "common/cleanup.h"
#include "session/cgroup.h"
#include "session/confinement.h"
#include "session/log_text.h"
#include "session/process.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/stat.h>

#include <cmocka.h>

static void groups_of_both_versions_are_read(void **state)
{
	char text[] = "12:cpu,cpuacct:/a:b/c\n1:name=systemd:/user.slice\n0::/\n";
	char *rest = text;
	struct cgroup group;

	(void)state;
	assert_int_equal(cgroup_next(&rest, &group), 1);
	assert_string_equal(group.controllers, "cpu,cpuacct");
	assert_string_equal(group.path, "/a:b/c");
	assert_int_equal(cgroup_next(&rest, &group), 1);
	assert_string_equal(group.controllers, "name=systemd");
	assert_int_equal(cgroup_next(&rest, &group), 1);
	assert_string_equal(group.controllers, "");
	assert_string_equal(group.path, "/");
	assert_int_equal(cgroup_next(&rest, &group), 0);
}

static void line_that_is_no_group_is_an_error(void **state)
{
	char text[] = "12:cpu\n";
	char *rest = text;
	struct cgroup group;

	(void)state;
	assert_int_equal(cgroup_next(&rest, &group), -EBADMSG);
}

static void group_above_ours_or_of_no_hierarchy_is_not_joined(void **state)
{
	static const char *const cases[][2] = {
		{ "0::/../..\n", "is above the groups" },
		{ "77:name=of-nobody:/x\n", "no file system of these control groups" },
	};

	(void)state;
	for (size_t i = 0; i < ELEMENTS(cases); i++) {
		_cleanup_free_ char *text = NULL;

		assert_true(cgroups_join(cases[i][0], &text) < 0);
		assert_non_null(text);
		assert_non_null(strstr(text, cases[i][1]));
	}
}

static void own_confinement_is_what_system_calls_say(void **state)
{
	_cleanup_(confinement_release) struct confinement own = { 0 };
	_cleanup_close_ int process = process_open(getpid());
	mode_t mask = umask(027);

	(void)state;
	assert_int_equal(confinement_read(process, getpid(), &own), 0);
	(void)umask(mask);
	assert_int_equal(own.mask, 027);
	assert_int_equal(own.nice, getpriority(PRIO_PROCESS, 0));
	assert_int_equal(own.no_new_privs, prctl(PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0));
	for (int i = 0; i < RLIM_NLIMITS; i++) {
		struct rlimit limit;

		assert_int_equal(getrlimit((__rlimit_resource_t)i, &limit), 0);
		assert_true(own.limits[i].rlim_cur == limit.rlim_cur && own.limits[i].rlim_max == limit.rlim_max);
	}
	for (unsigned long i = 0; i < 64; i++)
		assert_int_equal(own.bounding >> i & 1, prctl(PR_CAPBSET_READ, i, 0, 0, 0) == 1);
	assert_non_null(strchr(own.cgroups, ':'));
}

static void limits_without_a_row_or_a_number_are_an_error(void **state)
{
	struct rlimit limits[RLIM_NLIMITS];

	(void)state;
	assert_int_equal(confinement_parse_limits("", limits), -EBADMSG);
	assert_int_equal(
		confinement_parse_limits("Limit  Soft  Hard\nMax cpu time   many  unlimited  seconds\n", limits),
		-EBADMSG);
}

static void freer_of_two_processes_counts_and_never_more_than_the_init(void **state)
{
	struct confinement a = { .bounding = 0x5, .no_new_privs = true }, b = { .bounding = 0x3 };
	struct confinement init = { .bounding = 0x6, .no_new_privs = true, .mask = 022, .nice = 1 };

	(void)state;
	a.mask = 0;
	a.limits[RLIMIT_NOFILE] = (struct rlimit){ 10, 20 };
	b.limits[RLIMIT_NOFILE] = (struct rlimit){ 5, 30 };
	a.limits[RLIMIT_CPU] = (struct rlimit){ 1, RLIM_INFINITY };
	b.limits[RLIMIT_CPU] = (struct rlimit){ 2, 3 };
	init.limits[RLIMIT_NOFILE] = (struct rlimit){ 25, 25 };
	init.limits[RLIMIT_CPU] = (struct rlimit){ RLIM_INFINITY, RLIM_INFINITY };
	confinement_widen(&a, &b);
	assert_int_equal(a.bounding, 0x7);
	assert_false(a.no_new_privs);
	assert_true(a.limits[RLIMIT_NOFILE].rlim_cur == 10 && a.limits[RLIMIT_NOFILE].rlim_max == 30);
	assert_true(a.limits[RLIMIT_CPU].rlim_cur == 2 && a.limits[RLIMIT_CPU].rlim_max == RLIM_INFINITY);
	confinement_narrow(&init, &a);
	assert_int_equal(init.bounding, 0x6);
	assert_false(init.no_new_privs);
	assert_true(init.limits[RLIMIT_NOFILE].rlim_cur == 10 && init.limits[RLIMIT_NOFILE].rlim_max == 25);
	assert_true(init.limits[RLIMIT_CPU].rlim_max == RLIM_INFINITY);
	assert_int_equal(init.mask, 022);
	assert_int_equal(init.nice, 1);
}

static void long_value_is_one_word_of_a_log_line(void **state)
{
	char text[LOG_VALUE_MAX + 2];
	_cleanup_free_ char *value = NULL, *other = NULL, *empty = log_value("");

	(void)state;
	memset(text, '\n', sizeof(text));
	text[sizeof(text) - 1] = '\0';
	value = log_value(text);
	assert_int_equal(strlen(value), LOG_VALUE_MAX * 4 + 3);
	assert_string_equal(value + LOG_VALUE_MAX * 4 - 4, "\\x0a...");
	text[LOG_VALUE_MAX] = '\0';
	other = log_value(text);
	assert_int_equal(strlen(other), LOG_VALUE_MAX * 4);
	assert_string_equal(empty, "-");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(groups_of_both_versions_are_read),
		cmocka_unit_test(line_that_is_no_group_is_an_error),
		cmocka_unit_test(group_above_ours_or_of_no_hierarchy_is_not_joined),
		cmocka_unit_test(own_confinement_is_what_system_calls_say),
		cmocka_unit_test(limits_without_a_row_or_a_number_are_an_error),
		cmocka_unit_test(freer_of_two_processes_counts_and_never_more_than_the_init),
		cmocka_unit_test(long_value_is_one_word_of_a_log_line),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
