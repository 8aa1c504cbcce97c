/* SPDX-License-Identifier: BSD-3-Clause OR GPL-2.0-or-later */
#include "session/report.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

static int round_trip(const struct report *report, struct message *message, struct report *ret)
{
	report_encode(report, message);
	assert_int_equal(message->error, 0);
	return report_decode(message, ret);
}

static void ready_has_no_step(void **state)
{
	const struct report report = { .step = "record", .object = "/run" };
	_cleanup_(message_release) struct message message = { 0 };
	struct report found;

	(void)state;
	assert_int_equal(round_trip(&report, &message, &found), 0);
	assert_int_equal(found.error, 0);
	assert_null(found.step);
}

static void a_failure_names_step_object_and_error(void **state)
{
	const struct report report = { .error = -ENOSPC, .step = "mount-tmpfs", .object = "/tmp" };
	_cleanup_(message_release) struct message message = { 0 };
	struct report found;

	(void)state;
	assert_int_equal(round_trip(&report, &message, &found), 0);
	assert_int_equal(found.error, -ENOSPC);
	assert_string_equal(found.step, "mount-tmpfs");
	assert_string_equal(found.object, "/tmp");
}

static void a_step_about_nothing_has_an_empty_object(void **state)
{
	const struct report report = { .error = -EPERM, .step = "setns" };
	_cleanup_(message_release) struct message message = { 0 };
	struct report found;

	(void)state;
	assert_int_equal(round_trip(&report, &message, &found), 0);
	assert_string_equal(found.object, "");
}

static void what_is_cut_off_is_no_report(void **state)
{
	const struct report report = { .error = -EPERM, .step = "setns", .object = "init" };
	_cleanup_(message_release) struct message message = { 0 };
	struct report found = { .error = 1 };

	(void)state;
	report_encode(&report, &message);
	while (message.size > 0) {
		message.size--;
		assert_int_equal(report_decode(&message, &found), -EBADMSG);
	}
	assert_int_equal(found.error, 1);
}

static void other_words_are_no_report(void **state)
{
	static const char *const words[][5] = {
		{ PROTOCOL_VERSION, "done" },
		{ "nsisolate 0.0.0", "ready" },
		{ PROTOCOL_VERSION, "ready", "more" },
		{ PROTOCOL_VERSION, "failed", "setns", "init", "0" },
		{ PROTOCOL_VERSION, "failed", "setns", "init", "4096" },
	};

	(void)state;
	for (size_t i = 0; i < ELEMENTS(words); i++) {
		_cleanup_(message_release) struct message message = { 0 };
		struct report found;

		for (size_t j = 0; j < ELEMENTS(words[i]) && words[i][j]; j++)
			message_put(&message, words[i][j]);
		assert_int_equal(report_decode(&message, &found), -EBADMSG);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(ready_has_no_step),
		cmocka_unit_test(a_failure_names_step_object_and_error),
		cmocka_unit_test(a_step_about_nothing_has_an_empty_object),
		cmocka_unit_test(what_is_cut_off_is_no_report),
		cmocka_unit_test(other_words_are_no_report),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
