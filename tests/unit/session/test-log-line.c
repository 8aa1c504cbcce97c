/* SPDX-License-Identifier: BSD-3-Clause OR GPL-2.0-or-later */
#include "session/log_line.h"

#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <syslog.h>
#include <setjmp.h>
#include <cmocka.h>

static void expect(struct log_entry entry, const char *line, const char *fields)
{
	assert_string_equal(log_entry_line(&entry), line);
	assert_string_equal(entry.fields, fields);
	log_entry_release(&entry);
}

static void test_entry_of_a_session_has_its_words_in_order(void **state)
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

	(void)state;
	expect(log_of_session(LOG_SESSION_OPENED, &login, &session),
	       "NSL001 session opened: id=0123456789ab user=alice service=nsrun rhost=- "
	       "policy=user/alice.conf hash=0000000000000abc mode=enforce mnt=4026532201 pid=7",
	       "NSISOLATE_MSGID=NSL001\nNSISOLATE_ID=0123456789ab\nNSISOLATE_USER=alice\nNSISOLATE_SERVICE=nsrun\n"
	       "NSISOLATE_POLICY=user/alice.conf\nNSISOLATE_HASH=0000000000000abc\nNSISOLATE_MODE=enforce\n"
	       "NSISOLATE_NS_MNT=4026532201\nNSISOLATE_NS_PID=7\n");
}

static void test_what_others_chose_cannot_forge_a_word_or_a_field(void **state)
{
	const struct log_login login = { "a b=c\n", "su\nMESSAGE_ID=0", "host\" \nNSISOLATE_USER=root\n\n" };

	(void)state;
	expect(log_of_login(LOG_REFUSED_FAILED, &login, "because\nNSISOLATE_MSGID=NSL001\nof \x1b\xff"),
	       "NSL022 refused: user=a\\x20b=c\\x0a service=su\\x0aMESSAGE_ID=0 "
	       "rhost=host\\x22\\x20\\x0aNSISOLATE_USER=root\\x0a\\x0a: because\\x0aNSISOLATE_MSGID=NSL001\\x0aof "
	       "\\x1b\\xff",
	       "NSISOLATE_MSGID=NSL022\nNSISOLATE_USER=a\\x20b=c\\x0a\nNSISOLATE_SERVICE=su\\x0aMESSAGE_ID=0\n"
	       "NSISOLATE_RHOST=host\\x22\\x20\\x0aNSISOLATE_USER=root\\x0a\\x0a\n"
	       "NSISOLATE_REASON=because\\x0aNSISOLATE_MSGID=NSL001\\x0aof \\x1b\\xff\n");
}

static void test_a_command_cannot_forge_a_field(void **state)
{
	struct log_entry entry;

	(void)state;
	log_entry_begin(&entry, LOG_SESSION_ENTERED);
	log_entry_value(&entry, "command", "sh\nNSISOLATE_ID=0");
	expect(entry, "NSL007 session entered: command=sh\\x0aNSISOLATE_ID=0",
	       "NSISOLATE_MSGID=NSL007\nNSISOLATE_COMMAND=sh\\x0aNSISOLATE_ID=0\n");
}

static void test_line_without_a_reason_says_why(void **state)
{
	const struct log_login login = { "alice", "su", "" };

	(void)state;
	expect(log_of_login(LOG_REFUSED_POLICY, &login, NULL),
	       "NSL020 refused: user=alice service=su rhost=-: out of memory",
	       "NSISOLATE_MSGID=NSL020\nNSISOLATE_USER=alice\nNSISOLATE_SERVICE=su\nNSISOLATE_REASON=out of memory\n");
}

static void test_line_without_memory_has_its_id(void **state)
{
	struct log_entry entry;

	(void)state;
	log_entry_begin(&entry, LOG_SESSION_CLOSED);
	free(entry.line);
	entry.line = NULL;
	log_entry_word(&entry, "user", "alice");
	assert_string_equal(log_entry_line(&entry), "NSL003 session closed");
	log_entry_release(&entry);
}

/* The id says it all: whatever else changes in a line, monitoring goes by it. */
static void test_every_outcome_has_a_message_of_its_own(void **state)
{
	static const struct {
		enum outcome outcome;
		bool optional;
		const char *id;
		int priority;
	} rows[] = {
		{ OUTCOME_OFF, false, "NSL033", LOG_INFO },          { OUTCOME_SYSTEM_USER, false, "NSL034", LOG_INFO },
		{ OUTCOME_USER_MANAGER, false, "NSL035", LOG_INFO }, { OUTCOME_NO_POLICY, true, "NSL036", LOG_INFO },
		{ OUTCOME_NO_POLICY, false, "NSL021", LOG_ERR },     { OUTCOME_AUDIT, false, "NSL011", LOG_WARNING },
		{ OUTCOME_DENIED, false, "NSL023", LOG_NOTICE },     { OUTCOME_FULL, false, "NSL024", LOG_NOTICE },
		{ OUTCOME_REFUSED, false, "NSL020", LOG_ERR },       { OUTCOME_FAILED, false, "NSL022", LOG_ERR },
	};

	(void)state;
	for (size_t i = 0; i < ELEMENTS(rows); i++) {
		const struct log_message_kind *kind =
			&log_messages[log_message_of_outcome(rows[i].outcome, rows[i].optional)];

		assert_memory_equal(kind->start, rows[i].id, LOG_ID_LENGTH);
		assert_int_equal(kind->priority, rows[i].priority);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_entry_of_a_session_has_its_words_in_order),
		cmocka_unit_test(test_what_others_chose_cannot_forge_a_word_or_a_field),
		cmocka_unit_test(test_a_command_cannot_forge_a_field),
		cmocka_unit_test(test_line_without_a_reason_says_why),
		cmocka_unit_test(test_line_without_memory_has_its_id),
		cmocka_unit_test(test_every_outcome_has_a_message_of_its_own),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
