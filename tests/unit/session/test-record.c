/* SPDX-License-Identifier: BSD-3-Clause OR GPL-2.0-or-later */
#include "session/record.h"

#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

#define HOSTILE "\x1b]0;owned\a\r\n=\\x41\xff\xfe \x7f\xc3\xa9"

static struct record example(void)
{
	return (struct record){
		.id = "0123456789ab",
		.login = (char *)"",
		.user = (char *)"alice",
		.uid = 1000,
		.service = (char *)"sshd",
		.tty = (char *)"ssh",
		.remote_host = (char *)"192.0.2.7",
		.login_pid = 4242,
		.login_start = 123456789,
		.init_pid = 4243,
		.namespaces = { [NAMESPACE_MOUNT] = 4026532001, [NAMESPACE_PID] = 4026532005 },
		.outer_pid_namespace = 4026531836,
		.policy = (char *)"group/students.conf",
		.sources = (char *)"group/students.conf,default.conf",
		.policy_hash = 0x0123456789abcdef,
		.setting = 0xfedcba9876543210,
		.network = (char *)"loopback",
		.slirp_pid = 4244,
		.slirp_start = 123456799,
		.mode = (char *)"enforce",
		.scope = (char *)"session",
		.interface = (char *)"nsabcdefghijklm",
		.addresses = (char *)"10.99.0.7,fd00:99::7",
		.on_logout = (char *)"kill",
		.opened = 1700000000,
	};
}

static void assert_same(const struct record *a, const struct record *b)
{
	assert_string_equal(a->id, b->id);
	assert_string_equal(a->login, b->login);
	assert_string_equal(a->user, b->user);
	assert_int_equal(a->uid, b->uid);
	assert_string_equal(a->service, b->service);
	assert_string_equal(a->tty, b->tty);
	assert_string_equal(a->remote_host, b->remote_host);
	assert_int_equal(a->login_pid, b->login_pid);
	assert_true(a->login_start == b->login_start);
	assert_int_equal(a->init_pid, b->init_pid);
	assert_memory_equal(a->namespaces, b->namespaces, sizeof(a->namespaces));
	assert_string_equal(a->policy, b->policy);
	assert_string_equal(a->sources, b->sources);
	assert_true(a->policy_hash == b->policy_hash);
	assert_true(a->setting == b->setting);
	assert_string_equal(a->network, b->network);
	assert_int_equal(a->slirp_pid, b->slirp_pid);
	assert_int_equal(a->slirp_start, b->slirp_start);
	assert_string_equal(a->mode, b->mode);
	assert_string_equal(a->scope, b->scope);
	assert_string_equal(a->on_logout, b->on_logout);
	assert_true(a->outer_pid_namespace == b->outer_pid_namespace);
	assert_true(a->opened == b->opened);
}

static void assert_round_trip(const struct record *record)
{
	_cleanup_free_ char *text = record_format(record);
	_cleanup_(record_release) struct record parsed = { 0 };

	assert_non_null(text);
	assert_int_equal(record_parse(text, strlen(text), &parsed), 0);
	assert_same(record, &parsed);
}

static void assert_refused(const char *text, size_t size)
{
	struct record untouched = { .uid = 77 };

	assert_int_equal(record_parse(text, size, &untouched), -EBADMSG);
	assert_int_equal(untouched.uid, 77);
	assert_null(untouched.user);
}

/* The example's text with the first `from` replaced by `to`. */
static char *replaced(const char *from, const char *to)
{
	struct record record = example();
	_cleanup_free_ char *text = record_format(&record);
	const char *at = strstr(text, from);
	char *result = NULL;

	assert_non_null(at);
	assert_true(asprintf(&result, "%.*s%s%s", (int)(at - text), text, to, at + strlen(from)) > 0);
	return result;
}

static void format_is_what_the_documentation_shows(void **state)
{
	struct record record = example();
	_cleanup_free_ char *text = record_format(&record);

	(void)state;
	assert_string_equal(text, "nsisolate-record=1\n"
				  "id=0123456789ab\n"
				  "login=\n"
				  "user=alice\n"
				  "uid=1000\n"
				  "service=sshd\n"
				  "tty=ssh\n"
				  "remote-host=192.0.2.7\n"
				  "login-pid=4242\n"
				  "login-start=123456789\n"
				  "init-pid=4243\n"
				  "outer-pid-namespace=4026531836\n"
				  "ns-mnt=4026532001\n"
				  "ns-pid=4026532005\n"
				  "policy=group/students.conf\n"
				  "sources=group/students.conf,default.conf\n"
				  "policy-hash=0123456789abcdef\n"
				  "setting=fedcba9876543210\n"
				  "network=loopback\n"
				  "slirp-pid=4244\n"
				  "slirp-start=123456799\n"
				  "mode=enforce\n"
				  "scope=session\n"
				  "interface=nsabcdefghijklm\n"
				  "addresses=10.99.0.7,fd00:99::7\n"
				  "on-logout=kill\n"
				  "opened=1700000000\n");
}

static void record_survives_a_round_trip(void **state)
{
	struct record record = example();

	(void)state;
	assert_round_trip(&record);
	for (size_t i = 0; i < NAMESPACE_KINDS; i++)
		record.namespaces[i] = UINT64_MAX - i;
	record.uid = UINT32_MAX - 1;
	record.login_start = UINT64_MAX;
	record.policy_hash = UINT64_MAX;
	record.tty = (char *)"";
	record.remote_host = (char *)HOSTILE;
	assert_round_trip(&record);
}

static void every_byte_survives_in_every_text(void **state)
{
	char bytes[256];

	(void)state;
	for (size_t i = 0; i < 255; i++)
		bytes[i] = (char)(i + 1);
	bytes[255] = '\0';

	struct record record = example();

	record.user = record.service = record.tty = record.remote_host = bytes;
	record.policy = record.sources = record.mode = bytes;
	assert_round_trip(&record);
}

static void text_holds_one_line_a_value_and_only_printable_bytes(void **state)
{
	struct record record = example();

	(void)state;
	record.user = (char *)HOSTILE "\nuid=0\n";

	_cleanup_free_ char *text = record_format(&record);
	size_t lines = 0;

	for (const char *at = text; *at; at++) {
		assert_true(*at == '\n' || (*at >= 0x20 && *at <= 0x7e));
		lines += *at == '\n';
	}
	assert_int_equal(lines, 27);
}

static void names_of_four_kibibytes_are_kept(void **state)
{
	char name[4097];
	struct record record = example();

	(void)state;
	memset(name, 'n', 4096);
	name[4096] = '\0';
	record.user = record.remote_host = name;
	assert_round_trip(&record);
}

static void text_cut_off_anywhere_is_refused(void **state)
{
	struct record record = example();
	_cleanup_free_ char *text = record_format(&record);
	size_t size = strlen(text);

	(void)state;
	for (size_t i = 0; i < size; i++) {
		/* in a block of exactly that size, so that a sanitizer sees an overrun */
		_cleanup_free_ char *cut = malloc(i ? i : 1);

		memcpy(cut, text, i);
		assert_refused(cut, i);
	}
}

static void text_over_the_cap_is_refused(void **state)
{
	_cleanup_free_ char *huge = malloc(RECORD_MAX * 2);
	struct record record = example();

	(void)state;
	memset(huge, 'n', RECORD_MAX);
	huge[RECORD_MAX] = '\0';
	record.user = huge;

	_cleanup_free_ char *text = record_format(&record);

	assert_refused(text, strlen(text));
}

static void every_key_is_needed_once(void **state)
{
	struct record record = example();
	_cleanup_free_ char *text = record_format(&record);

	(void)state;
	for (char *line = text; *line;) {
		char *next = strchr(line, '\n') + 1;
		_cleanup_free_ char *without = NULL;
		_cleanup_free_ char *twice = NULL;

		assert_true(asprintf(&without, "%.*s%s", (int)(line - text), text, next) > 0);
		assert_true(asprintf(&twice, "%s%.*s", text, (int)(next - line), line) > 0);
		assert_refused(twice, strlen(twice));
		if (strncmp(line, "ns-", 3) != 0)
			assert_refused(without, strlen(without));
		line = next;
	}
}

static void values_out_of_range_are_refused(void **state)
{
	static const struct {
		const char *from, *to;
	} cases[] = {
		{ "nsisolate-record=1", "nsisolate-record=2" },
		{ "nsisolate-record=1", "nsisolate-record=01" },
		{ "nsisolate-record=1\n", "nsisolate-record=1\r\n" },
		{ "id=0123456789ab", "id=0123456789a" },
		{ "id=0123456789ab", "id=0123456789abc" },
		{ "id=0123456789ab", "id=0123456789AB" },
		{ "id=0123456789ab", "id=0123456789\\x61\\x62" },
		{ "user=alice", "user=" },
		{ "user=alice", "user=\\x00" },
		{ "user=alice", "user=ali\\x00ce" },
		{ "user=alice", "user=\\x4" },
		{ "user=alice", "user=\\x4G" },
		{ "user=alice", "user=\\x4A" },
		{ "user=alice", "user=\\n" },
		{ "user=alice", "user=\\" },
		{ "user=alice", "user=\x1b" },
		{ "user=alice", "user=\xc3\xa9" },
		{ "user=alice", "user" },
		{ "user=alice", "User=alice" },
		{ "user=alice", " user=alice" },
		{ "user=alice", "user=alice\n" },
		{ "user=alice", "user=alice\nnote=hello" },
		{ "uid=1000", "uid=" },
		{ "uid=1000", "uid=-1" },
		{ "uid=1000", "uid=+1000" },
		{ "uid=1000", "uid= 1000" },
		{ "uid=1000", "uid=01000" },
		{ "uid=1000", "uid=0x3e8" },
		{ "uid=1000", "uid=1000 " },
		{ "uid=1000", "uid=4294967295" },
		{ "uid=1000", "uid=18446744073709551616" },
		{ "login-pid=4242", "login-pid=0" },
		{ "login-pid=4242", "login-pid=2147483648" },
		{ "init-pid=4243", "init-pid=-4243" },
		{ "login-start=123456789", "login-start=18446744073709551616" },
		{ "ns-mnt=4026532001", "ns-mnt=0" },
		{ "ns-mnt=4026532001", "ns-mount=4026532001" },
		{ "ns-mnt=4026532001", "ns-=4026532001" },
		{ "policy-hash=0123456789abcdef", "policy-hash=123456789abcdef" },
		{ "policy-hash=0123456789abcdef", "policy-hash=0123456789ABCDEF" },
		{ "policy-hash=0123456789abcdef", "policy-hash=00123456789abcdef" },
		{ "opened=1700000000", "opened=253402300800" },
		{ "opened=1700000000", "opened=-1" },
	};

	(void)state;
	for (size_t i = 0; i < ELEMENTS(cases); i++) {
		_cleanup_free_ char *text = replaced(cases[i].from, cases[i].to);

		assert_refused(text, strlen(text));
	}
}

static void bytes_after_nul_do_not_hide(void **state)
{
	struct record record = example();
	_cleanup_free_ char *text = record_format(&record);
	size_t size = strlen(text);
	char longer[2048] = { 0 };

	(void)state;
	memcpy(longer, text, size);
	assert_refused(longer, size + 1);
}

static void lines_may_come_in_any_order(void **state)
{
	_cleanup_free_ char *without = replaced("opened=1700000000\n", "");
	_cleanup_free_ char *text = NULL;
	_cleanup_(record_release) struct record parsed = { 0 };
	struct record record = example();

	(void)state;
	assert_true(asprintf(&text, "nsisolate-record=1\nopened=1700000000\n%s", strchr(without, '\n') + 1) > 0);
	assert_int_equal(record_parse(text, strlen(text), &parsed), 0);
	assert_same(&record, &parsed);
}

static uint64_t next_random(uint64_t *seed)
{
	/* xorshift64: the same numbers everywhere */
	*seed ^= *seed << 13;
	*seed ^= *seed >> 7;
	*seed ^= *seed << 17;
	return *seed;
}

/* One to eight bytes changed, a piece doubled or removed. */
static size_t mutate(char *text, size_t size, size_t capacity, uint64_t *seed)
{
	size_t at = (size_t)(next_random(seed) % size);
	size_t length = (size_t)(next_random(seed) % (size - at));

	switch (next_random(seed) % 4) {
	case 0:
		if (size + length > capacity)
			return size;
		memmove(text + at + length, text + at, size - at);
		return size + length;
	case 1:
		memmove(text + at, text + at + length, size - at - length);
		return size - length;
	default:
		for (size_t i = next_random(seed) % 8 + 1; i > 0; i--)
			text[next_random(seed) % size] = (char)next_random(seed);
		return size;
	}
}

static void whatever_is_accepted_can_be_written_and_read_again(void **state)
{
	struct record record = example();
	_cleanup_free_ char *text = record_format(&record);
	uint64_t seed = 20240229;
	size_t accepted = 0;

	(void)state;
	for (int i = 0; i < 100000; i++) {
		char buffer[2048];
		size_t size = strlen(text);
		_cleanup_(record_release) struct record parsed = { 0 };

		memcpy(buffer, text, size);
		/* half of them get one plain byte only, so that some stay valid */
		if (i % 2)
			size = mutate(buffer, size, sizeof(buffer), &seed);
		else
			buffer[next_random(&seed) % size] = (char)(next_random(&seed) % 0x60 + 0x20);

		_cleanup_free_ char *exact = malloc(size ? size : 1);

		memcpy(exact, buffer, size);
		if (record_parse(exact, size, &parsed) == 0) {
			accepted++;
			assert_round_trip(&parsed);
		}
	}
	assert_true(accepted > 1000);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(format_is_what_the_documentation_shows),
		cmocka_unit_test(record_survives_a_round_trip),
		cmocka_unit_test(every_byte_survives_in_every_text),
		cmocka_unit_test(text_holds_one_line_a_value_and_only_printable_bytes),
		cmocka_unit_test(names_of_four_kibibytes_are_kept),
		cmocka_unit_test(text_cut_off_anywhere_is_refused),
		cmocka_unit_test(text_over_the_cap_is_refused),
		cmocka_unit_test(every_key_is_needed_once),
		cmocka_unit_test(values_out_of_range_are_refused),
		cmocka_unit_test(bytes_after_nul_do_not_hide),
		cmocka_unit_test(lines_may_come_in_any_order),
		cmocka_unit_test(whatever_is_accepted_can_be_written_and_read_again),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
