/* SPDX-License-Identifier: BSD-3-Clause OR GPL-2.0-or-later */
#include "tools/environment.h"

#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>
#include <string.h>

static char *inherited[] = {
	(char *)"TERM=xterm",  (char *)"HOME=/root",     (char *)"PATH=/evil",
	(char *)"LD_PRELOAD=", (char *)"TERMINFO=/x",    (char *)"NSISOLATE_ID=outer",
	(char *)"USERX=1",     (char *)"no equals sign", NULL,
};

static void check(const struct environment *environment, const char *const *expected)
{
	char **made = environment_make(environment, inherited);
	size_t i;

	assert_non_null(made);
	for (i = 0; expected[i]; i++)
		assert_string_equal(made[i], expected[i]);
	assert_null(made[i]);
	assert_null(environment_free(made));
}

static void test_environment_of_a_user_keeps_only_the_terminal(void **state)
{
	const struct environment environment = {
		.user = "alice", .home = "/home/alice", .shell = "/bin/sh", .session = "0123456789ab"
	};

	(void)state;
	check(&environment, (const char *const[]){ "HOME=/home/alice", "USER=alice", "LOGNAME=alice", "SHELL=/bin/sh",
						   "PATH=/usr/local/bin:/usr/bin:/bin", "NSISOLATE_ID=0123456789ab",
						   "TERM=xterm", NULL });
}

static void test_root_has_the_directories_of_root(void **state)
{
	const struct environment environment = { .user = "root", .home = "/root", .shell = "/bin/sh", .root = true };

	(void)state;
	check(&environment, (const char *const[]){ "HOME=/root", "USER=root", "LOGNAME=root", "SHELL=/bin/sh",
						   "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
						   "TERM=xterm", NULL });
}

static void test_preserved_environment_names_the_user_all_the_same(void **state)
{
	const struct environment environment = {
		.user = "alice", .home = "/home/alice", .shell = "/bin/sh", .session = "0123456789ab", .preserve = true
	};

	(void)state;
	check(&environment, (const char *const[]){ "HOME=/home/alice", "USER=alice", "LOGNAME=alice", "SHELL=/bin/sh",
						   "NSISOLATE_ID=0123456789ab", "TERM=xterm", "PATH=/evil",
						   "LD_PRELOAD=", "TERMINFO=/x", "USERX=1", "no equals sign", NULL });
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_environment_of_a_user_keeps_only_the_terminal),
		cmocka_unit_test(test_root_has_the_directories_of_root),
		cmocka_unit_test(test_preserved_environment_names_the_user_all_the_same),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
