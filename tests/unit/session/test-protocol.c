/* SPDX-License-Identifier: BSD-3-Clause OR GPL-2.0-or-later */
#include "session/protocol.h"

#include <fcntl.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <time.h>

#include <cmocka.h>

#include "descriptors.h"

struct pair {
	int ours;
	int theirs;
};

static int open_pair(void **state)
{
	struct pair *pair = calloc(1, sizeof(*pair));
	int fds[2];

	if (!pair || socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, fds) < 0)
		return -1;
	*pair = (struct pair){ fds[0], fds[1] };
	*state = pair;
	return 0;
}

static int close_pair(void **state)
{
	struct pair *pair = *state;

	close_fd(pair->ours);
	close_fd(pair->theirs);
	free(pair);
	return 0;
}

/* Sends one string with this many copies of a descriptor. */
static int send_with(int socket, const char *text, size_t fd_count)
{
	_cleanup_(message_release) struct message message = { 0 };
	int fds[PROTOCOL_FDS_MAX + 1];

	for (size_t i = 0; i < fd_count; i++)
		fds[i] = STDIN_FILENO;
	message_put(&message, text);
	return message_send(socket, &message, fds, fd_count);
}

static void outcomes_and_their_names_match(void **state)
{
	enum outcome outcome;

	(void)state;
	for (int i = OUTCOME_OPENED; i <= OUTCOME_FAILED; i++) {
		assert_int_equal(outcome_from_name(outcome_name((enum outcome)i), &outcome), 0);
		assert_int_equal(outcome, i);
	}
	assert_int_equal(outcome_from_name("", &outcome), -EBADMSG);
	assert_int_equal(outcome_from_name("opened ", &outcome), -EBADMSG);
}

static void strings_and_numbers_come_back_in_order(void **state)
{
	_cleanup_(message_release) struct message message = { 0 };
	struct message_reader reader;

	(void)state;
	message_put(&message, "first");
	message_put(&message, "");
	message_put_number(&message, 0);
	message_put_number(&message, UINT64_MAX);
	reader = message_read(&message);
	assert_string_equal(message_get(&reader), "first");
	assert_string_equal(message_get(&reader), "");
	assert_int_equal(message_get_number(&reader, 0), 0);
	assert_false(message_at_end(&reader));
	assert_true(message_get_number(&reader, UINT64_MAX) == UINT64_MAX);
	assert_true(message_at_end(&reader));
	assert_int_equal(reader.error, 0);
}

static void reading_past_the_end_is_sticky(void **state)
{
	_cleanup_(message_release) struct message message = { 0 };
	struct message_reader reader;

	(void)state;
	reader = message_read(&message);
	assert_string_equal(message_get(&reader), "");
	assert_int_equal(reader.error, -EBADMSG);
	message_put(&message, "only");
	reader = message_read(&message);
	assert_string_equal(message_get(&reader), "only");
	assert_string_equal(message_get(&reader), "");
	assert_int_equal(message_get_number(&reader, 9), 0);
	assert_int_equal(reader.error, -EBADMSG);
}

static void string_without_its_end_is_no_string(void **state)
{
	struct message message = { .data = (char *)"open", .size = 4 };
	struct message_reader reader = message_read(&message);

	(void)state;
	assert_string_equal(message_get(&reader), "");
	assert_int_equal(reader.error, -EBADMSG);
}

static void malformed_numbers_are_errors(void **state)
{
	static const struct {
		const char *text;
		uint64_t max;
	} rows[] = {
		{ "", 9 },
		{ " 1", 9 },
		{ "+1", 9 },
		{ "-1", UINT64_MAX },
		{ "1 ", 9 },
		{ "0x1", 9 },
		{ "10", 9 },
		{ "one", 9 },
		{ "18446744073709551616", UINT64_MAX },
	};

	(void)state;
	for (size_t i = 0; i < ELEMENTS(rows); i++) {
		_cleanup_(message_release) struct message message = { 0 };
		struct message_reader reader;

		message_put(&message, rows[i].text);
		reader = message_read(&message);
		errno = EXDEV;
		assert_int_equal(message_get_number(&reader, rows[i].max), 0);
		assert_int_equal(reader.error, -EBADMSG);
		assert_int_equal(errno, EXDEV);
	}
}

static void message_that_grows_too_long_is_never_sent(void **state)
{
	const struct pair *pair = *state;
	_cleanup_(message_release) struct message message = { 0 };
	_cleanup_free_ char *text = malloc(PROTOCOL_MESSAGE_MAX + 1);

	memset(text, 'a', PROTOCOL_MESSAGE_MAX);
	text[PROTOCOL_MESSAGE_MAX] = '\0';
	message_put(&message, text);
	message_put(&message, "short");
	assert_int_equal(message.error, -E2BIG);
	assert_int_equal(message.size, 0);
	assert_int_equal(message_send(pair->ours, &message, NULL, 0), -E2BIG);
}

static void longest_message_with_most_descriptors_arrives(void **state)
{
	const struct pair *pair = *state;
	_cleanup_(message_release) struct message received = { 0 };
	_cleanup_free_ char *text = malloc(PROTOCOL_MESSAGE_MAX);
	int fds[PROTOCOL_FDS_MAX];
	size_t fd_count = PROTOCOL_FDS_MAX;

	memset(text, 'a', PROTOCOL_MESSAGE_MAX - 1);
	text[PROTOCOL_MESSAGE_MAX - 1] = '\0';
	assert_int_equal(send_with(pair->ours, text, PROTOCOL_FDS_MAX), 0);
	assert_int_equal(message_receive(pair->theirs, 1000, &received, fds, &fd_count), 0);
	assert_int_equal(fd_count, PROTOCOL_FDS_MAX);
	assert_int_equal(received.size, PROTOCOL_MESSAGE_MAX);
	assert_memory_equal(received.data, text, PROTOCOL_MESSAGE_MAX);
	for (size_t i = 0; i < fd_count; i++) {
		assert_int_equal(fcntl(fds[i], F_GETFD), FD_CLOEXEC);
		close_fd(fds[i]);
	}
}

static void too_many_descriptors_are_not_sent(void **state)
{
	const struct pair *pair = *state;

	assert_int_equal(send_with(pair->ours, "x", PROTOCOL_FDS_MAX + 1), -E2BIG);
}

static void surplus_descriptors_are_closed(void **state)
{
	const struct pair *pair = *state;

	for (size_t room = 0; room < 3; room++) {
		_cleanup_(message_release) struct message received = { 0 };
		size_t before = count_descriptors();
		int fds[3] = { -1, -1, -1 };
		size_t fd_count = room;

		assert_int_equal(send_with(pair->ours, "x", 3), 0);
		assert_int_equal(message_receive(pair->theirs, 1000, &received, fds, &fd_count), -EBADMSG);
		assert_int_equal(fd_count, 0);
		assert_null(received.data);
		assert_int_equal(count_descriptors(), before);
	}
}

/* As a peer that does not keep to the protocol would: more bytes than a message may have. */
static void truncated_message_is_refused_and_its_descriptors_are_closed(void **state)
{
	const struct pair *pair = *state;
	_cleanup_(message_release) struct message received = { 0 };
	_cleanup_free_ char *data = calloc(1, PROTOCOL_MESSAGE_MAX + 1);
	char control[CMSG_SPACE(sizeof(int))] = { 0 };
	struct iovec vector = { .iov_base = data, .iov_len = PROTOCOL_MESSAGE_MAX + 1 };
	struct msghdr header = {
		.msg_iov = &vector,
		.msg_iovlen = 1,
		.msg_control = control,
		.msg_controllen = sizeof(control),
	};
	size_t before = count_descriptors();
	size_t fd_count = 1;
	int fd = -1;

	*CMSG_FIRSTHDR(&header) = (struct cmsghdr){
		.cmsg_level = SOL_SOCKET,
		.cmsg_type = SCM_RIGHTS,
		.cmsg_len = CMSG_LEN(sizeof(int)),
	};
	assert_int_equal(sendmsg(pair->ours, &header, 0), PROTOCOL_MESSAGE_MAX + 1);
	assert_int_equal(message_receive(pair->theirs, 1000, &received, &fd, &fd_count), -EBADMSG);
	assert_int_equal(fd_count, 0);
	assert_int_equal(count_descriptors(), before);
}

static long elapsed_ms(const struct timespec *since)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (long)(now.tv_sec - since->tv_sec) * 1000 + (now.tv_nsec - since->tv_nsec) / 1000000;
}

static void count_alarm(int signal)
{
	(void)signal;
}

/* A program's own timer must not stretch the wait. */
static void waiting_ends_in_time_also_under_signals(void **state)
{
	const struct pair *pair = *state;
	const struct sigaction action = { .sa_handler = count_alarm };
	struct itimerspec often = { .it_interval.tv_nsec = 5000000, .it_value.tv_nsec = 5000000 };
	struct sigaction previous;
	struct message received = { 0 };
	struct timespec start;
	size_t fd_count = 0;
	timer_t timer;

	assert_int_equal(sigaction(SIGALRM, &action, &previous), 0);
	assert_int_equal(timer_create(CLOCK_MONOTONIC, NULL, &timer), 0);
	assert_int_equal(timer_settime(timer, 0, &often, NULL), 0);
	clock_gettime(CLOCK_MONOTONIC, &start);
	assert_int_equal(message_receive(pair->theirs, 100, &received, NULL, &fd_count), -ETIMEDOUT);
	assert_in_range(elapsed_ms(&start), 95, 5000);
	timer_delete(timer);
	sigaction(SIGALRM, &previous, NULL);
}

static void peer_that_is_gone_is_told_at_once(void **state)
{
	struct pair *pair = *state;
	_cleanup_(message_release) struct message message = { 0 };
	struct message received = { 0 };
	size_t fd_count = 0;

	pair->ours = close_fd(pair->ours);
	assert_int_equal(message_receive(pair->theirs, 60000, &received, NULL, &fd_count), -ECONNRESET);
	message_put(&message, "nobody listens");
	/* and no SIGPIPE */
	assert_int_equal(message_send(pair->theirs, &message, NULL, 0), -EPIPE);
}

static void peer_that_dies_while_we_wait_is_told_at_once(void **state)
{
	struct pair *pair = *state;
	struct message received = { 0 };
	size_t fd_count = 0;
	pid_t child = fork();

	assert_true(child >= 0);
	if (child == 0) {
		close_fd(pair->theirs);
		_exit(0);
	}
	pair->ours = close_fd(pair->ours);
	assert_int_equal(message_receive(pair->theirs, 60000, &received, NULL, &fd_count), -ECONNRESET);
	assert_int_equal(waitpid(child, NULL, 0), child);
}

static void empty_message_is_a_peer_that_is_gone(void **state)
{
	const struct pair *pair = *state;
	struct message received = { 0 };
	size_t fd_count = 0;

	assert_int_equal(send(pair->ours, "", 0, 0), 0);
	assert_int_equal(message_receive(pair->theirs, 1000, &received, NULL, &fd_count), -ECONNRESET);
}

#define ON_A_PAIR(test) cmocka_unit_test_setup_teardown(test, open_pair, close_pair)

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(outcomes_and_their_names_match),
		cmocka_unit_test(strings_and_numbers_come_back_in_order),
		cmocka_unit_test(reading_past_the_end_is_sticky),
		cmocka_unit_test(string_without_its_end_is_no_string),
		cmocka_unit_test(malformed_numbers_are_errors),
		ON_A_PAIR(message_that_grows_too_long_is_never_sent),
		ON_A_PAIR(longest_message_with_most_descriptors_arrives),
		ON_A_PAIR(too_many_descriptors_are_not_sent),
		ON_A_PAIR(surplus_descriptors_are_closed),
		ON_A_PAIR(truncated_message_is_refused_and_its_descriptors_are_closed),
		ON_A_PAIR(waiting_ends_in_time_also_under_signals),
		ON_A_PAIR(peer_that_is_gone_is_told_at_once),
		ON_A_PAIR(peer_that_dies_while_we_wait_is_told_at_once),
		ON_A_PAIR(empty_message_is_a_peer_that_is_gone),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
