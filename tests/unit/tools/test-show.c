/* SPDX-License-Identifier: BSD-3-Clause OR GPL-2.0-or-later */

/* What nsinspect show says of capabilities, control groups and of processes that differ. */

#include "tools/capability_text.h"
#include "tools/control_group.h"
#include "tools/tally.h"

#include <fcntl.h>
#include <ftw.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <string.h>
#include <sys/capability.h>
#include <sys/stat.h>

#include <cmocka.h>

static void sets_are_told_in_the_fewest_words(void **state)
{
	const uint64_t all = (UINT64_C(1) << cap_max_bits()) - 1;
	const struct {
		uint64_t set;
		const char *text;
	} cases[] = {
		{ 0, "none" },
		{ all, "all" },
		{ UINT64_MAX, "all" },
		{ 1 << CAP_NET_RAW, "net_raw" },
		{ 1 << CAP_SETUID | 1 << CAP_CHOWN, "chown,setuid" },
		{ all & ~(UINT64_C(1) << CAP_SYS_ADMIN), "all but sys_admin" },
		{ all & ~(UINT64_C(1) << CAP_SYS_ADMIN | UINT64_C(1) << CAP_SYS_MODULE),
		  "all but sys_module,sys_admin" },
	};

	(void)state;
	for (size_t i = 0; i < ELEMENTS(cases); i++) {
		_cleanup_free_ char *text = capability_text(cases[i].set);

		assert_string_equal(text, cases[i].text);
	}
}

static void path_is_that_of_the_unified_hierarchy(void **state)
{
	static const struct {
		const char *text, *path;
	} cases[] = {
		{ "0::/user.slice/session-4.scope\n", "/user.slice/session-4.scope" },
		{ "9:name=systemd:/x\n4:memory:/0::/y\n0::/\n", "/" },
		{ "4:memory:/a\n", NULL },
		{ "", NULL },
	};

	(void)state;
	for (size_t i = 0; i < ELEMENTS(cases); i++) {
		_cleanup_free_ char *path = control_group_path(cases[i].text);

		if (cases[i].path)
			assert_string_equal(path, cases[i].path);
		else
			assert_null(path);
	}
}

static void put(int root, const char *path, const char *text)
{
	int fd = openat(root, path, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);

	assert_true(fd >= 0);
	assert_int_equal(write(fd, text, strlen(text)), (ssize_t)strlen(text));
	close(fd);
}

static int remove_one(const char *path, const struct stat *status, int type, struct FTW *walk)
{
	(void)status;
	(void)type;
	(void)walk;
	return remove(path);
}

static void limits_are_the_least_on_the_way_up(void **state)
{
	char directory[] = "/tmp/test-groups-XXXXXX";
	struct control_group group;
	int root;

	(void)state;
	assert_non_null(mkdtemp(directory));
	root = open(directory, O_PATH | O_DIRECTORY | O_CLOEXEC);
	assert_int_equal(mkdirat(root, "a", 0700), 0);
	assert_int_equal(mkdirat(root, "a/b", 0700), 0);
	put(root, "a/memory.max", "1000\n");
	put(root, "a/b/memory.max", "max\n");
	put(root, "a/pids.max", "9\n");
	put(root, "a/b/pids.max", "8\n");
	put(root, "a/b/memory.current", "77\n");
	put(root, "a/b/cpu.weight", "123456789012345678901234567890\n");

	control_group_read_at(root, "/a/b", &group);
	assert_string_equal(group.memory_max, "1000");
	assert_string_equal(group.tasks_max, "8");
	assert_string_equal(group.memory_current, "77");
	assert_string_equal(group.tasks_current, "");
	assert_int_equal(strlen(group.cpu_weight), CONTROL_GROUP_VALUE - 1);

	/* names that lead out of it */
	assert_int_equal(symlinkat("..", root, "a/link"), 0);
	control_group_read_at(root, "/a/link/a", &group);
	assert_string_equal(group.memory_max, "");
	control_group_read_at(root, "/../..", &group);
	assert_string_equal(group.memory_max, "");
	close(root);
	assert_int_equal(nftw(directory, remove_one, 8, FTW_DEPTH | FTW_PHYS), 0);
}

static void most_have_the_same(void **state)
{
	_cleanup_(tallies_release) struct tallies tallies = { 0 };
	_cleanup_free_ char *few = NULL, *many = NULL;

	(void)state;
	assert_int_equal(tallies_add(&tallies, "a", "x", 77), 0);
	for (pid_t pid = 100; pid < 110; pid++)
		assert_int_equal(tallies_add(&tallies, "a", "y", pid), 0);
	assert_int_equal(tallies_add(&tallies, "b", "x", 1), 0);
	assert_int_equal(tallies_add(&tallies, "b", "y", 2), 0);
	assert_int_equal(tallies.count, 2);
	assert_int_equal(tallies.items[0].total, 11);
	assert_string_equal(tally_most(&tallies.items[0])->value, "y");
	assert_string_equal(tally_most(&tallies.items[1])->value, "x");
	few = variant_pids(&tallies.items[0].variants[0]);
	many = variant_pids(&tallies.items[0].variants[1]);
	assert_string_equal(few, "77");
	assert_string_equal(many, "100 101 102 103 104 105 106 107 and 2 more");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(sets_are_told_in_the_fewest_words),
		cmocka_unit_test(path_is_that_of_the_unified_hierarchy),
		cmocka_unit_test(limits_are_the_least_on_the_way_up),
		cmocka_unit_test(most_have_the_same),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
