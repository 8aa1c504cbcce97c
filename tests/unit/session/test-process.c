/* SPDX-License-Identifier: BSD-3-Clause OR GPL-2.0-or-later */
#include "session/process.h"

#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include <cmocka.h>

/* A child that waits to be killed, under this command name. */
static pid_t start_child(const char *name)
{
	pid_t child = fork();

	assert_true(child >= 0);
	if (child == 0) {
		(void)prctl(PR_SET_NAME, name);
		for (;;)
			(void)pause();
	}
	return child;
}

static void end(pid_t child)
{
	assert_int_equal(kill(child, SIGKILL), 0);
	assert_int_equal(waitpid(child, NULL, 0), child);
}

static void namespaces_are_the_inodes_that_stat_tells(void **state)
{
	uint64_t inodes[NAMESPACE_KINDS];

	(void)state;
	assert_int_equal(process_namespaces(getpid(), inodes), 0);
	for (size_t i = 0; i < NAMESPACE_KINDS; i++) {
		char path[64];
		struct stat status;

		(void)snprintf(path, sizeof(path), "/proc/self/ns/%s", namespace_table[i].proc_link);
		if (stat(path, &status) == 0)
			assert_true(inodes[i] == status.st_ino);
		else
			assert_true(inodes[i] == 0);
	}
}

static void start_time_does_not_depend_on_the_name(void **state)
{
	static const char *const names[] = { "plain", "a) S 1 2 3 (b", ") ) ) ) )", "((((", "with space", "tab\tnl\n" };

	(void)state;
	for (size_t i = 0; i < ELEMENTS(names); i++) {
		uint64_t own, start;
		pid_t child = start_child(names[i]);

		assert_int_equal(process_start_time(getpid(), &own), 0);
		assert_int_equal(process_start_time(child, &start), 0);
		assert_true(start >= own);
		/* a hundred ticks a second: the child was started within the last minute */
		assert_true(start - own < 6000);
		end(child);
	}
}

static void process_that_is_gone_is_reported_as_such(void **state)
{
	uint64_t inodes[NAMESPACE_KINDS], start;
	pid_t child = start_child("gone");

	(void)state;
	end(child);
	assert_int_equal(process_namespaces(child, inodes), -ESRCH);
	assert_int_equal(process_start_time(child, &start), -ESRCH);
	assert_int_equal(process_namespaces(0, inodes), -ESRCH);
	assert_int_equal(process_start_time(-1, &start), -ESRCH);
}

static void zombie_has_no_namespaces_any_more(void **state)
{
	uint64_t inodes[NAMESPACE_KINDS], start, same;
	pid_t child = start_child("zombie");
	siginfo_t info;
	char letter;

	(void)state;
	assert_int_equal(process_state(child, &letter, &start), 0);
	assert_false(process_has_ended(letter));
	assert_int_equal(kill(child, SIGKILL), 0);
	assert_int_equal(waitid(P_PID, (id_t)child, &info, WEXITED | WNOWAIT), 0);
	assert_int_equal(process_namespaces(child, inodes), -ESRCH);
	assert_int_equal(process_state(child, &letter, &same), 0);
	assert_true(process_has_ended(letter));
	assert_true(same == start);
	assert_int_equal(waitpid(child, NULL, 0), child);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(namespaces_are_the_inodes_that_stat_tells),
		cmocka_unit_test(start_time_does_not_depend_on_the_name),
		cmocka_unit_test(process_that_is_gone_is_reported_as_such),
		cmocka_unit_test(zombie_has_no_namespaces_any_more),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
