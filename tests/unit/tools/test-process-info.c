/* SPDX-License-Identifier: BSD-3-Clause OR GPL-2.0-or-later */
#include "tools/process_info.h"

#include "session/process.h"

#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>

#include <cmocka.h>

static void own_process_is_described(void **state)
{
	_cleanup_close_ int process = process_open(getpid());
	_cleanup_(process_info_release) struct process_info info = { 0 };
	uint64_t start;

	(void)state;
	assert_int_equal(process_info_read(process, &info), 0);
	assert_int_equal(process_start_time(getpid(), &start), 0);
	assert_int_equal(info.pid, getpid());
	assert_int_equal(info.parent, getppid());
	assert_int_equal(info.uid, geteuid());
	assert_int_equal(info.state, 'R');
	assert_true(info.start == start);
	assert_true(info.memory > 0);
	assert_int_equal(info.levels[0], getpid());
	assert_non_null(strstr(info.command, "process-info"));
}

/* A process chooses its name: it must not pass for another line or field. */
static void name_cannot_forge_what_follows_it(void **state)
{
	static const char *const names[] = { "x) Z 1 2 (", "\nUid:\t0\t0\t0", "a\nNSpid:\t1", "((((", "\\", "" };
	_cleanup_close_ int process = process_open(getpid());

	(void)state;
	for (size_t i = 0; i < ELEMENTS(names); i++) {
		_cleanup_(process_info_release) struct process_info info = { 0 };

		assert_int_equal(prctl(PR_SET_NAME, names[i]), 0);
		assert_int_equal(process_info_read(process, &info), 0);
		assert_int_equal(info.state, 'R');
		assert_int_equal(info.uid, geteuid());
		assert_int_equal(info.levels[0], getpid());
		assert_int_equal(info.parent, getppid());
	}
}

static void zombie_is_told_apart_and_shown_by_name(void **state)
{
	pid_t child = fork();

	(void)state;
	if (child == 0) {
		(void)prctl(PR_SET_NAME, "ended");
		_exit(0);
	}

	siginfo_t ended;
	_cleanup_close_ int process = process_open(child);
	_cleanup_(process_info_release) struct process_info info = { 0 };

	assert_int_equal(waitid(P_PID, (id_t)child, &ended, WEXITED | WNOWAIT), 0);
	assert_int_equal(process_info_read(process, &info), 0);
	assert_true(process_is_zombie(&info));
	assert_string_equal(info.command, "[ended]");
	assert_int_equal(waitpid(child, NULL, 0), child);

	struct process_info gone;

	assert_int_equal(process_info_read(process, &gone), -ESRCH);
	assert_int_equal(process_stat_read(process, &gone), -ESRCH);
	assert_int_equal(process_open(child), -ESRCH);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(own_process_is_described),
		cmocka_unit_test(name_cannot_forge_what_follows_it),
		cmocka_unit_test(zombie_is_told_apart_and_shown_by_name),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
