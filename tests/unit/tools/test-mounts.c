/* SPDX-License-Identifier: BSD-3-Clause OR GPL-2.0-or-later */
#include "tools/mounts.h"

#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

static int parse(const char *text, struct mount_list *list)
{
	return mounts_parse(strdup(text), list);
}

static void line_of_the_manual_is_understood(void **state)
{
	_cleanup_(mounts_release) struct mount_list list = { 0 };

	(void)state;
	assert_int_equal(
		parse("36 35 98:0 /mnt1 /mnt2 rw,noatime master:1 - ext3 /dev/root rw,errors=continue\n", &list), 0);
	assert_int_equal(list.count, 1);
	assert_int_equal(list.items[0].id, 36);
	assert_int_equal(list.items[0].parent, 35);
	assert_int_equal(list.items[0].major, 98);
	assert_string_equal(list.items[0].root, "/mnt1");
	assert_string_equal(list.items[0].target, "/mnt2");
	assert_string_equal(list.items[0].options, "rw,noatime");
	assert_string_equal(list.items[0].type, "ext3");
	assert_string_equal(list.items[0].source, "/dev/root");
	assert_string_equal(list.items[0].super_options, "rw,errors=continue");
}

static void optional_fields_may_be_missing_or_many(void **state)
{
	_cleanup_(mounts_release) struct mount_list list = { 0 };

	(void)state;
	assert_int_equal(parse("1 0 0:1 / / rw - tmpfs  rw\n"
			       "2 1 0:2 / /a rw shared:1 master:2 propagate_from:3 - tmpfs none rw\n",
			       &list),
			 0);
	assert_int_equal(list.count, 2);
	assert_string_equal(list.items[0].source, "");
	assert_string_equal(list.items[1].source, "none");
	assert_int_equal(list.items[0].shared, 0);
	assert_int_equal(list.items[0].master, 0);
	assert_int_equal(list.items[1].shared, 1);
	assert_int_equal(list.items[1].master, 2);
}

static void escapes_of_the_kernel_are_undone(void **state)
{
	_cleanup_(mounts_release) struct mount_list list = { 0 };

	(void)state;
	assert_int_equal(parse("1 0 0:1 / /a\\040-\\040b\\134\\012\\1 rw - tmpfs x\\0 rw\n", &list), 0);
	assert_string_equal(list.items[0].target, "/a - b\\\n\\1");
	assert_string_equal(list.items[0].source, "x\\0");
}

static void lines_that_are_none_are_left_out(void **state)
{
	static const char *const lines[] = {
		"",
		"garbage",
		" - ",
		"1 0 0:1 / /a - tmpfs x rw",
		"1 0 0:1 / /a rw - tmpfs x",
		"1 0 0 / /a rw - tmpfs x rw",
		"1 0 0:1 / /a rw  tmpfs x rw",
	};

	(void)state;
	for (size_t i = 0; i < ELEMENTS(lines); i++) {
		_cleanup_(mounts_release) struct mount_list list = { 0 };

		assert_int_equal(parse(lines[i], &list), 0);
		assert_int_equal(list.count, 0);
	}
}

static void same_mount_is_the_same_part_at_the_same_place(void **state)
{
	_cleanup_(mounts_release) struct mount_list host = { 0 };
	_cleanup_(mounts_release) struct mount_list session = { 0 };

	(void)state;
	assert_int_equal(parse("1 0 0:1 / /tmp rw - tmpfs tmpfs rw\n", &host), 0);
	assert_int_equal(parse("9 8 0:1 / /tmp ro - tmpfs tmpfs rw\n"
			       "9 8 0:2 / /tmp rw - tmpfs tmpfs rw\n"
			       "9 8 0:1 /a /tmp rw - tmpfs tmpfs rw\n"
			       "9 8 0:1 / /var/tmp rw - tmpfs tmpfs rw\n",
			       &session),
			 0);
	assert_true(mounts_contain(&host, &session.items[0]));
	for (size_t i = 1; i < session.count; i++)
		assert_false(mounts_contain(&host, &session.items[i]));
}

/* Mounts under others, stacked ones, and a path that ends within one. */
static void a_path_leads_to_what_a_walk_along_it_meets(void **state)
{
	static const char *const host = "1 0 8:1 / / rw - ext4 x rw\n"
					"5 1 8:5 / /home/bob rw - ext4 hidden rw\n"
					"2 1 8:2 /homes /home rw - ext4 x rw\n"
					"3 2 8:3 / /home/alice rw - nfs x rw\n"
					"4 3 8:4 /v2 /home/alice rw - nfs x rw\n"
					"6 2 8:6 / /home/a rw - ext4 x rw\n";
	static const struct {
		const char *path, *entry;
		bool leads;
	} cases[] = {
		{ "/home/bob", "9 8 8:2 /homes/bob /h rw - ext4 x rw\n", true },
		{ "/home/bob", "9 8 8:5 / /h rw - ext4 x rw\n", false },
		{ "/home/bob", "9 8 8:2 /homes/bob//deleted /h rw - ext4 x rw\n", false },
		{ "/home/alice", "9 8 8:4 /v2 /h rw - nfs x rw\n", true },
		{ "/home/alice", "9 8 8:4 /v22 /h rw - nfs x rw\n", false },
		{ "/home/alice", "9 8 8:3 / /h rw - nfs x rw\n", false },
		{ "/home/a/b/alice", "9 8 8:6 /b/alice /h rw - ext4 x rw\n", true },
		{ "/home/a", "9 8 8:6 / /h rw - ext4 x rw\n", true },
		{ "/home/a/b", "9 8 8:6 / /h rw - ext4 x rw\n", false },
		{ "/home/a/b/alice", "9 8 8:6 /b /h rw - ext4 x rw\n", false },
		{ "/home/ab", "9 8 8:6 /b /h rw - ext4 x rw\n", false },
		{ "/srv/alice", "9 8 8:1 /srv/alice /h rw - ext4 x rw\n", true },
	};

	(void)state;
	for (size_t i = 0; i < ELEMENTS(cases); i++) {
		_cleanup_(mounts_release) struct mount_list list = { 0 }, session = { 0 };

		assert_int_equal(parse(host, &list), 0);
		assert_int_equal(parse(cases[i].entry, &session), 0);
		assert_int_equal(session.count, 1);
		assert_true(mounts_lead_to(&list, cases[i].path, &session.items[0]) == cases[i].leads);
	}
}

static void own_mounts_can_be_read(void **state)
{
	_cleanup_(mounts_release) struct mount_list list = { 0 };

	(void)state;
	assert_int_equal(mounts_read(getpid(), &list), 0);
	assert_true(list.count > 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(line_of_the_manual_is_understood),
		cmocka_unit_test(optional_fields_may_be_missing_or_many),
		cmocka_unit_test(escapes_of_the_kernel_are_undone),
		cmocka_unit_test(lines_that_are_none_are_left_out),
		cmocka_unit_test(same_mount_is_the_same_part_at_the_same_place),
		cmocka_unit_test(a_path_leads_to_what_a_walk_along_it_meets),
		cmocka_unit_test(own_mounts_can_be_read),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
