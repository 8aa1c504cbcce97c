/* SPDX-License-Identifier: BSD-3-Clause OR GPL-2.0-or-later */
#include "session/working_directory.h"

#include <limits.h>
#include <setjmp.h>
#include <stdarg.h>
#include <string.h>
#include <sys/stat.h>

#include <cmocka.h>

/* What the kernel's getcwd says is faked by the linker's --wrap where a test cannot have it without root. */
static const char *fake_path;

char *__real_getcwd(char *buffer, size_t size);
char *__wrap_getcwd(char *buffer, size_t size);

char *__wrap_getcwd(char *buffer, size_t size)
{
	return fake_path ? strdup(fake_path) : __real_getcwd(buffer, size);
}

/* Each test begins in BASE/parent/here. */
static int enter_directory(void **state)
{
	char *base = strdup("/tmp/test-working-directory-XXXXXX");

	*state = base;
	if (!base || !mkdtemp(base) || chdir(base) < 0 || mkdir("parent", 0755) < 0 || mkdir("parent/here", 0755) < 0)
		return -1;
	return chdir("parent/here");
}

static int remove_directory(void **state)
{
	static const char *const names[] = { "parent/here", "parent/moved", "parent", "real/here", "real" };
	_cleanup_free_ char *base = *state;

	fake_path = NULL;
	if (chdir(base) < 0)
		return -1;
	for (size_t i = 0; i < ELEMENTS(names); i++)
		if (rmdir(names[i]) < 0 && errno == ENOTDIR)
			(void)unlink(names[i]);
	return chdir("/") < 0 ? -1 : rmdir(base);
}

static void leave_and_restore(const struct working_directory *saved)
{
	assert_int_equal(chdir("/tmp"), 0);
	working_directory_restore(saved);
}

static void assert_in(const char *base, const char *below)
{
	char expected[PATH_MAX], found[PATH_MAX];

	(void)snprintf(expected, sizeof(expected), "%s%s", base, below);
	assert_non_null(__real_getcwd(found, sizeof(found)));
	assert_string_equal(found, expected);
}

static void same_directory_is_entered_again(void **state)
{
	struct working_directory saved;

	working_directory_save(&saved);
	leave_and_restore(&saved);
	assert_in(*state, "/parent/here");
	working_directory_release(&saved);
	assert_null(saved.path);
}

static void root_is_entered_again(void **state)
{
	struct working_directory saved;

	(void)state;
	assert_int_equal(chdir("/"), 0);
	working_directory_save(&saved);
	leave_and_restore(&saved);
	assert_in("", "/");
	working_directory_release(&saved);
}

static void another_directory_of_that_name_is_not_entered(void **state)
{
	struct working_directory saved;

	(void)state;
	working_directory_save(&saved);
	assert_int_equal(rename("../here", "../moved"), 0);
	assert_int_equal(mkdir("../here", 0755), 0);
	leave_and_restore(&saved);
	assert_in("", "/");
	working_directory_release(&saved);
}

static void file_in_its_place_is_not_entered(void **state)
{
	struct working_directory saved;
	_cleanup_(fclosep) FILE *file = NULL;

	(void)state;
	working_directory_save(&saved);
	assert_int_equal(rename("../here", "../moved"), 0);
	file = fopen("../here", "we");
	assert_non_null(file);
	leave_and_restore(&saved);
	assert_in("", "/");
	working_directory_release(&saved);
}

/* Even to the very same directory: a user can swing a link at any time. */
static void link_on_the_way_is_not_followed(void **state)
{
	struct working_directory saved;

	(void)state;
	working_directory_save(&saved);
	assert_int_equal(rename("../../parent", "../../real"), 0);
	assert_int_equal(symlink("real", "../../parent"), 0);
	leave_and_restore(&saved);
	assert_in("", "/");
	working_directory_release(&saved);
}

static void link_as_its_last_name_is_not_followed(void **state)
{
	struct working_directory saved;

	(void)state;
	working_directory_save(&saved);
	assert_int_equal(rename("../here", "../moved"), 0);
	assert_int_equal(symlink("moved", "../here"), 0);
	leave_and_restore(&saved);
	assert_in("", "/");
	working_directory_release(&saved);
}

static void deleted_directory_becomes_the_root(void **state)
{
	struct working_directory saved;

	(void)state;
	assert_int_equal(rmdir("../here"), 0);
	working_directory_save(&saved);
	assert_null(saved.path);
	leave_and_restore(&saved);
	assert_in("", "/");
	working_directory_release(&saved);
}

static void directory_deleted_meanwhile_becomes_the_root(void **state)
{
	struct working_directory saved;

	(void)state;
	working_directory_save(&saved);
	assert_int_equal(rmdir("../here"), 0);
	leave_and_restore(&saved);
	assert_in("", "/");
	working_directory_release(&saved);
}

/* getcwd(3) of a process whose directory is outside its root. */
static void unreachable_directory_becomes_the_root(void **state)
{
	struct working_directory saved;

	(void)state;
	fake_path = "(unreachable)/parent/here";
	working_directory_save(&saved);
	assert_null(saved.path);
	leave_and_restore(&saved);
	assert_in("", "/");
	working_directory_release(&saved);
}

static void no_descriptor_is_kept(void **state)
{
	struct working_directory saved;
	int lowest = dup(STDIN_FILENO);

	(void)state;
	close_fd(lowest);
	working_directory_save(&saved);
	leave_and_restore(&saved);
	working_directory_release(&saved);

	_cleanup_close_ int next = dup(STDIN_FILENO);

	assert_int_equal(next, lowest);
}

#define IN_DIRECTORY(test) cmocka_unit_test_setup_teardown(test, enter_directory, remove_directory)

int main(void)
{
	const struct CMUnitTest tests[] = {
		IN_DIRECTORY(same_directory_is_entered_again),
		IN_DIRECTORY(root_is_entered_again),
		IN_DIRECTORY(another_directory_of_that_name_is_not_entered),
		IN_DIRECTORY(file_in_its_place_is_not_entered),
		IN_DIRECTORY(link_on_the_way_is_not_followed),
		IN_DIRECTORY(link_as_its_last_name_is_not_followed),
		IN_DIRECTORY(deleted_directory_becomes_the_root),
		IN_DIRECTORY(directory_deleted_meanwhile_becomes_the_root),
		IN_DIRECTORY(unreachable_directory_becomes_the_root),
		IN_DIRECTORY(no_descriptor_is_kept),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
