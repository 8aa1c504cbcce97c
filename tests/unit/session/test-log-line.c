/* SPDX-License-Identifier: BSD-3-Clause OR GPL-2.0-or-later */
#include "session/log_line.h"

#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

static void test_line_of_a_session_has_its_words_in_order(void **state)
{
	const struct log_login login = { "ignored", "nsrun", "" };
	const struct session session = {
		.id = "0123456789ab",
		.user = (char *)"alice",
		.policy = (char *)"user/alice.conf",
		.mode = (char *)"enforce",
		.policy_hash = 0xabc,
		.namespaces = { [NAMESPACE_MOUNT] = 4026532201, [NAMESPACE_PID] = 7 },
	};
	_cleanup_free_ char *line = log_line_session("session opened", &login, &session);

	(void)state;
	assert_string_equal(line, "session opened: id=0123456789ab user=alice service=nsrun rhost=- "
				  "policy=user/alice.conf hash=0000000000000abc mode=enforce mnt=4026532201 pid=7");
}

static void test_what_others_chose_cannot_forge_a_word(void **state)
{
	const struct log_login login = { "a b=c\n", "su\x1b", "host\" x" };
	_cleanup_free_ char *line = log_line_login("refused", &login, "because\nof \xff");

	(void)state;
	assert_string_equal(line, "refused: user=a\\x20b=c\\x0a service=su\\x1b rhost=host\\x22\\x20x: "
				  "because\\x0aof \\xff");
}

static void test_line_without_a_reason_says_why(void **state)
{
	const struct log_login login = { "alice", "su", "" };
	_cleanup_free_ char *line = log_line_login("refused", &login, NULL);

	(void)state;
	assert_string_equal(line, "refused: user=alice service=su rhost=-: out of memory");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_line_of_a_session_has_its_words_in_order),
		cmocka_unit_test(test_what_others_chose_cannot_forge_a_word),
		cmocka_unit_test(test_line_without_a_reason_says_why),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
