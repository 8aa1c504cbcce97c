/* SPDX-License-Identifier: BSD-3-Clause OR GPL-2.0-or-later */
#include "session/request.h"

#include <fcntl.h>
#include <sched.h>
#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

#include "descriptors.h"

/* In a request with both: the caller's pidfd, then every candidate that could be opened. */
#define EXAMPLE_FDS 4

static struct candidate example_candidates[] = {
	{ .kind = CANDIDATE_USER, .name = (char *)"user/alice.conf", .fd = 102 },
	{ .kind = CANDIDATE_GROUP, .name = (char *)"group/staff.conf", .fd = -1, .problem = (char *)"is a FIFO" },
	{ .kind = CANDIDATE_DEFAULT, .name = (char *)"default.conf", .fd = 103 },
};

static const struct session_request example = {
	.user = "alice",
	.uid = 3001,
	.gid = 4000,
	.group = "students",
	.home = "/home/alice",
	.service = "sshd",
	.tty = "ssh",
	.remote_host = "192.0.2.1",
	.caller = 4711,
	.flags = REQUEST_THREADED,
	.limits_by = LIMITS_BY_LINE,
	.handed = { 1, UINT64_MAX, 50 },
	.caller_pidfd = 100,
	.candidates = { example_candidates, ELEMENTS(example_candidates), { .open = true, .fd = 101 } },
};

static const struct session_reply example_reply = {
	.outcome = OUTCOME_OPENED,
	.text = "",
	.id = "0123456789ab",
	.login = "abcdef",
	.shared = true,
	.clone_flags = CLONE_NEWNS | CLONE_NEWPID,
	.privileges = { .dropped = UINT64_MAX, .no_new_privs = true },
	.policy = "user/alice.conf",
	.policy_hash = UINT64_MAX,
	.mode = "enforce",
	.notice = "be good",
	.namespaces = { [NAMESPACE_MOUNT] = 4026532000, [NAMESPACE_PID] = 4026532001 },
};

/* Real descriptors, since a decoder closes them. */
static void open_descriptors(int *fds, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		fds[i] = open("/dev/null", O_RDONLY | O_CLOEXEC);
		assert_true(fds[i] >= 0);
	}
}

static void encode_example(struct message *message)
{
	int fds[PROTOCOL_FDS_MAX];
	size_t fd_count = 0;

	assert_int_equal(request_encode(&example, message, fds, &fd_count), 0);
	assert_int_equal(fd_count, EXAMPLE_FDS);
	for (size_t i = 0; i < fd_count; i++)
		assert_int_equal(fds[i], 100 + (int)i);
}

/* 0, or the decoder's error, after which no descriptor may be left. */
static int try_decode_request(const struct message *message, size_t fd_count, const char **ret_version)
{
	struct session_request request;
	size_t before = count_descriptors();
	int fds[PROTOCOL_FDS_MAX];
	int r;

	open_descriptors(fds, fd_count);
	r = request_decode(message, fds, fd_count, &request, ret_version);
	if (r == 0)
		request_release(&request);
	assert_int_equal(count_descriptors(), before);
	return r;
}

static int try_decode_reply(const struct message *message, size_t fd_count, const char **ret_version)
{
	struct session_reply reply;
	size_t before = count_descriptors();
	int fds[PROTOCOL_FDS_MAX];
	int r;

	open_descriptors(fds, fd_count);
	r = reply_decode(message, fds, fd_count, &reply, ret_version);
	if (r == 0)
		close_fd(reply.init_pidfd);
	assert_int_equal(count_descriptors(), before);
	return r;
}

static void request_comes_back_as_it_was(void **state)
{
	_cleanup_(message_release) struct message message = { 0 };
	struct session_request request;
	const char *version = NULL;
	int fds[EXAMPLE_FDS];

	(void)state;
	encode_example(&message);
	open_descriptors(fds, ELEMENTS(fds));
	assert_int_equal(request_decode(&message, fds, ELEMENTS(fds), &request, &version), 0);
	assert_string_equal(request.user, example.user);
	assert_int_equal(request.uid, example.uid);
	assert_int_equal(request.gid, example.gid);
	assert_string_equal(request.group, example.group);
	assert_string_equal(request.home, example.home);
	assert_string_equal(request.service, example.service);
	assert_string_equal(request.tty, example.tty);
	assert_string_equal(request.remote_host, example.remote_host);
	assert_int_equal(request.caller, example.caller);
	assert_int_equal(request.flags, example.flags);
	assert_int_equal(request.limits_by, example.limits_by);
	assert_memory_equal(&request.handed, &example.handed, sizeof(request.handed));
	assert_int_equal(request.caller_pidfd, fds[0]);
	assert_int_equal(request.candidates.count, ELEMENTS(example_candidates));
	for (size_t i = 0; i < ELEMENTS(example_candidates); i++) {
		const struct candidate *expected = &example_candidates[i];
		const struct candidate *found = &request.candidates.items[i];

		assert_int_equal(found->kind, expected->kind);
		assert_string_equal(found->name, expected->name);
		if (expected->problem)
			assert_string_equal(found->problem, expected->problem);
		else
			assert_null(found->problem);
	}
	assert_true(request.candidates.root.open);
	assert_int_equal(request.candidates.root.fd, fds[1]);
	assert_int_equal(request.candidates.root.flags, 0);
	assert_int_equal(request.candidates.items[0].fd, fds[2]);
	assert_int_equal(request.candidates.items[1].fd, -1);
	assert_int_equal(request.candidates.items[2].fd, fds[3]);
	request_release(&request);
}

static void request_of_a_user_without_any_file_is_whole(void **state)
{
	_cleanup_(message_release) struct message message = { 0 };
	struct session_request request = example;
	const char *version = NULL;
	int fds[PROTOCOL_FDS_MAX];
	size_t fd_count = 0;

	(void)state;
	request.candidates = (struct candidates){ 0 };
	assert_int_equal(request_encode(&request, &message, fds, &fd_count), 0);
	assert_int_equal(fd_count, 1);
	assert_int_equal(try_decode_request(&message, 1, &version), 0);
}

static void reply_comes_back_as_it_was(void **state)
{
	_cleanup_(message_release) struct message message = { 0 };
	struct session_reply reply;
	const char *version = NULL;
	int fd = -1;

	(void)state;
	reply_encode(&example_reply, &message);
	open_descriptors(&fd, 1);
	assert_int_equal(reply_decode(&message, &fd, 1, &reply, &version), 0);
	assert_int_equal(reply.outcome, OUTCOME_OPENED);
	assert_string_equal(reply.text, "");
	assert_string_equal(reply.id, example_reply.id);
	assert_int_equal(reply.clone_flags, example_reply.clone_flags);
	assert_true(reply.privileges.dropped == UINT64_MAX);
	assert_true(reply.privileges.no_new_privs);
	assert_string_equal(reply.policy, example_reply.policy);
	assert_true(reply.policy_hash == example_reply.policy_hash);
	assert_string_equal(reply.mode, example_reply.mode);
	assert_string_equal(reply.notice, example_reply.notice);
	assert_string_equal(reply.login, example_reply.login);
	assert_true(reply.shared);
	assert_memory_equal(reply.namespaces, example_reply.namespaces, sizeof(reply.namespaces));
	assert_int_equal(reply.init_pidfd, fd);
	close_fd(fd);
}

static void refusals_come_back_with_their_text(void **state)
{
	(void)state;
	for (int outcome = OUTCOME_OFF; outcome <= OUTCOME_FAILED; outcome++) {
		_cleanup_(message_release) struct message message = { 0 };
		const struct session_reply sent = { .outcome = (enum outcome)outcome, .text = "why", .init_pidfd = -1 };
		struct session_reply reply;
		const char *version = NULL;

		reply_encode(&sent, &message);
		assert_int_equal(reply_decode(&message, NULL, 0, &reply, &version), 0);
		assert_int_equal(reply.outcome, outcome);
		assert_string_equal(reply.text, "why");
		assert_int_equal(reply.init_pidfd, -1);
		/* and a descriptor that nobody asked for is refused and closed */
		assert_int_equal(try_decode_reply(&message, 1, &version), -EBADMSG);
	}
}

static void limits_come_back(void **state)
{
	_cleanup_(message_release) struct message message = { 0 };
	const struct session_reply sent = { .outcome = OUTCOME_LIMITS,
					    .enforced = true,
					    .limits = { UINT64_MAX, 2, 3 } };
	struct session_reply reply;
	const char *version = NULL;
	size_t size;

	(void)state;
	reply_encode(&sent, &message);
	assert_int_equal(reply_decode(&message, NULL, 0, &reply, &version), 0);
	assert_int_equal(reply.outcome, OUTCOME_LIMITS);
	assert_true(reply.enforced);
	assert_memory_equal(&reply.limits, &sent.limits, sizeof(reply.limits));
	size = message.size;
	for (message.size = 0; message.size < size; message.size++)
		assert_int_equal(try_decode_reply(&message, 0, &version), -EBADMSG);
}

static void reply_without_text_is_empty(void **state)
{
	_cleanup_(message_release) struct message message = { 0 };
	struct session_reply reply = { 0 };
	const char *version = NULL;

	(void)state;
	reply_encode(&(struct session_reply){ .outcome = OUTCOME_OFF }, &message);
	assert_int_equal(reply_decode(&message, NULL, 0, &reply, &version), 0);
	assert_string_equal(reply.text, "");
}

static void request_cut_anywhere_is_refused(void **state)
{
	_cleanup_(message_release) struct message message = { 0 };
	const char *version = NULL;
	size_t size;

	(void)state;
	encode_example(&message);
	size = message.size;
	for (message.size = 0; message.size < size; message.size++)
		assert_int_equal(try_decode_request(&message, EXAMPLE_FDS, &version), -EBADMSG);
	assert_int_equal(try_decode_request(&message, EXAMPLE_FDS, &version), 0);
}

static void reply_cut_anywhere_is_refused(void **state)
{
	_cleanup_(message_release) struct message message = { 0 };
	const char *version = NULL;
	size_t size;

	(void)state;
	reply_encode(&example_reply, &message);
	size = message.size;
	for (message.size = 0; message.size < size; message.size++)
		assert_int_equal(try_decode_reply(&message, 1, &version), -EBADMSG);
	assert_int_equal(try_decode_reply(&message, 1, &version), 0);
}

static void anything_behind_the_end_is_refused(void **state)
{
	_cleanup_(message_release) struct message request = { 0 };
	_cleanup_(message_release) struct message reply = { 0 };
	const char *version = NULL;

	(void)state;
	encode_example(&request);
	message_put(&request, "");
	assert_int_equal(try_decode_request(&request, EXAMPLE_FDS, &version), -EBADMSG);
	reply_encode(&example_reply, &reply);
	message_put(&reply, "");
	assert_int_equal(try_decode_reply(&reply, 1, &version), -EBADMSG);
}

static void wrong_number_of_descriptors_is_refused(void **state)
{
	_cleanup_(message_release) struct message request = { 0 };
	_cleanup_(message_release) struct message reply = { 0 };
	const char *version = NULL;

	(void)state;
	encode_example(&request);
	for (size_t count = 0; count <= PROTOCOL_FDS_MAX; count++)
		assert_int_equal(try_decode_request(&request, count, &version), count == EXAMPLE_FDS ? 0 : -EBADMSG);
	reply_encode(&example_reply, &reply);
	for (size_t count = 0; count < 4; count++)
		assert_int_equal(try_decode_reply(&reply, count, &version), count == 1 ? 0 : -EBADMSG);
}

static void other_version_is_refused_by_name(void **state)
{
	static const char *const versions[] = { "nsisolate 0.0.1", "nsisolate", "", PROTOCOL_VERSION " " };

	(void)state;
	for (size_t i = 0; i < ELEMENTS(versions); i++) {
		_cleanup_(message_release) struct message message = { 0 };
		const char *version = NULL;

		message_put(&message, versions[i]);
		message_put(&message, "what only that version understands");
		assert_int_equal(try_decode_request(&message, 2, &version), -EPROTO);
		assert_string_equal(version, versions[i]);
		version = NULL;
		assert_int_equal(try_decode_reply(&message, 1, &version), -EPROTO);
		assert_string_equal(version, versions[i]);
	}
}

static void unknown_outcome_is_refused(void **state)
{
	_cleanup_(message_release) struct message message = { 0 };
	const char *version = NULL;

	(void)state;
	message_put(&message, PROTOCOL_VERSION);
	message_put(&message, "welcome");
	message_put(&message, "");
	assert_int_equal(try_decode_reply(&message, 0, &version), -EBADMSG);
}

static void ids_of_another_length_are_refused(void **state)
{
	static const char *const ids[] = { "", "0123456789a", "0123456789abc" };

	(void)state;
	for (size_t i = 0; i < ELEMENTS(ids); i++) {
		_cleanup_(message_release) struct message message = { 0 };
		const char *version = NULL;

		message_put(&message, PROTOCOL_VERSION);
		message_put(&message, "opened");
		message_put(&message, "");
		message_put(&message, ids[i]);
		message_put_number(&message, 0);
		message_put(&message, "default.conf");
		message_put_number(&message, 0);
		message_put(&message, "enforce");
		for (size_t kind = 0; kind < NAMESPACE_KINDS; kind++)
			message_put_number(&message, 0);
		assert_int_equal(try_decode_reply(&message, 1, &version), -EBADMSG);
	}
}

static void claims_of_more_candidates_than_there_are_is_refused(void **state)
{
	static const uint64_t counts[] = { 1, PROTOCOL_FDS_MAX, PROTOCOL_FDS_MAX + 1, UINT64_MAX };

	(void)state;
	for (size_t i = 0; i < ELEMENTS(counts); i++) {
		_cleanup_(message_release) struct message message = { 0 };
		const char *version = NULL;

		message_put(&message, PROTOCOL_VERSION);
		message_put(&message, "alice");
		message_put_number(&message, 3001);
		message_put_number(&message, 3001);
		for (int text = 0; text < 4; text++)
			message_put(&message, "");
		message_put_number(&message, 1);
		message_put_number(&message, 0);
		message_put_number(&message, i % 2);
		message_put_number(&message, counts[i]);
		assert_int_equal(try_decode_request(&message, 1, &version), -EBADMSG);
	}
}

static void too_many_candidates_are_not_encoded(void **state)
{
	struct session_request request = example;
	struct candidate *items = calloc(PROTOCOL_FDS_MAX, sizeof(*items));
	_cleanup_(message_release) struct message most = { 0 };
	_cleanup_(message_release) struct message more = { 0 };
	int fds[PROTOCOL_FDS_MAX];
	size_t fd_count = 0;

	(void)state;
	assert_non_null(items);
	for (size_t i = 0; i < PROTOCOL_FDS_MAX; i++)
		items[i] = (struct candidate){ .kind = CANDIDATE_GROUP, .name = (char *)"group/g.conf" };
	request.candidates = (struct candidates){ items, PROTOCOL_FDS_MAX - 1, { .open = true } };
	assert_int_equal(request_encode(&request, &more, fds, &fd_count), -E2BIG);
	request.candidates.count = PROTOCOL_FDS_MAX - 2;
	assert_int_equal(request_encode(&request, &most, fds, &fd_count), 0);
	assert_int_equal(fd_count, PROTOCOL_FDS_MAX);
	free(items);
}

static void request_too_long_for_a_message_is_not_encoded(void **state)
{
	_cleanup_free_ char *host = malloc(PROTOCOL_MESSAGE_MAX);
	_cleanup_(message_release) struct message message = { 0 };
	struct session_request request = example;
	int fds[PROTOCOL_FDS_MAX];
	size_t fd_count = 0;

	(void)state;
	assert_non_null(host);
	memset(host, 'a', PROTOCOL_MESSAGE_MAX - 1);
	host[PROTOCOL_MESSAGE_MAX - 1] = '\0';
	request.remote_host = host;
	assert_int_equal(request_encode(&request, &message, fds, &fd_count), -E2BIG);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(request_comes_back_as_it_was),
		cmocka_unit_test(request_of_a_user_without_any_file_is_whole),
		cmocka_unit_test(reply_comes_back_as_it_was),
		cmocka_unit_test(refusals_come_back_with_their_text),
		cmocka_unit_test(reply_without_text_is_empty),
		cmocka_unit_test(request_cut_anywhere_is_refused),
		cmocka_unit_test(reply_cut_anywhere_is_refused),
		cmocka_unit_test(anything_behind_the_end_is_refused),
		cmocka_unit_test(wrong_number_of_descriptors_is_refused),
		cmocka_unit_test(other_version_is_refused_by_name),
		cmocka_unit_test(unknown_outcome_is_refused),
		cmocka_unit_test(ids_of_another_length_are_refused),
		cmocka_unit_test(claims_of_more_candidates_than_there_are_is_refused),
		cmocka_unit_test(limits_come_back),
		cmocka_unit_test(too_many_candidates_are_not_encoded),
		cmocka_unit_test(request_too_long_for_a_message_is_not_encoded),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
