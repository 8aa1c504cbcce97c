/* SPDX-License-Identifier: BSD-3-Clause OR GPL-2.0-or-later */
/* A file that changes while it is read: pread(2) is faked so that someone writes right after it. */
#include "support.h"

#include <string.h>
#include <sys/stat.h>
#include <time.h>

ssize_t __real_pread64(int fd, void *buffer, size_t size, off_t offset);
ssize_t __wrap_pread64(int fd, void *buffer, size_t size, off_t offset);

static enum { CHANGE_NOTHING, CHANGE_APPEND, CHANGE_CUT, CHANGE_TIME, CHANGE_MODE } change;

ssize_t __wrap_pread64(int fd, void *buffer, size_t size, off_t offset)
{
	static const struct timespec times[2] = { { .tv_sec = 1 }, { .tv_sec = 1, .tv_nsec = 1 } };
	ssize_t n = __real_pread64(fd, buffer, size, offset);

	switch (change) {
	case CHANGE_APPEND:
		assert_int_equal(pwrite(fd, "#", 1, offset + n), 1);
		break;
	case CHANGE_CUT:
		assert_int_equal(ftruncate(fd, 1), 0);
		break;
	case CHANGE_TIME:
		assert_int_equal(futimens(fd, times), 0);
		break;
	case CHANGE_MODE:
		assert_int_equal(fchmod(fd, 0400), 0);
		break;
	case CHANGE_NOTHING:
	default:
		break;
	}
	return n;
}

/* While a fresh file is waited for, somebody goes on writing it. */
int __wrap_clock_nanosleep(clockid_t clock, int flags, const struct timespec *time, struct timespec *left);

static struct {
	int fd;             /* written to, unless -1 */
	unsigned calls;     /* of clock_nanosleep() */
	struct timespec of; /* the last */
} waiting = { .fd = -1 };

int __wrap_clock_nanosleep(clockid_t clock, int flags, const struct timespec *time, struct timespec *left)
{
	assert_int_equal(clock, CLOCK_MONOTONIC);
	assert_int_equal(flags, 0);
	waiting.of = *time;
	if (waiting.calls++ == 0) {
		*left = (struct timespec){ .tv_nsec = 5 };
		return EINTR;
	}
	if (waiting.fd >= 0)
		assert_int_equal(pwrite(waiting.fd, "#", 1, 0), 1);
	return 0;
}

static char *decide(time_t age)
{
	struct candidate candidate = candidate_of(CANDIDATE_DEFAULT, "default.conf", "mode = off\n");
	struct timespec times[2];
	struct candidates candidates = { .items = &candidate, .count = 1 };
	struct login login = { .user = "alice", .uid = 2000 };
	_cleanup_(policy_freep) struct policy *policy = NULL;
	struct diagnostics diag = { 0 };
	char *message = NULL;
	int r;

	assert_int_equal(clock_gettime(CLOCK_REALTIME, &times[0]), 0);
	times[0].tv_sec -= age;
	times[1] = times[0];
	assert_int_equal(futimens(candidate.fd, times), 0);
	waiting.calls = 0;
	if (waiting.fd >= 0)
		waiting.fd = candidate.fd;
	r = policy_decide(&candidates, &login, 1000, &policy, &diag);
	assert_true(r == DECISION_POLICY || r == -EBADMSG);
	if (r == -EBADMSG)
		message = diagnostic_format(&diag.items[0]);
	diagnostics_release(&diag);
	close_fd(candidate.fd);
	free(candidate.name);
	return message;
}

static void a_file_that_changes_while_it_is_read_refuses(void **state)
{
	static const char expected[] =
		"default.conf: the file changed while it was read; write a new file and rename it";

	(void)state;
	for (change = CHANGE_APPEND; change <= CHANGE_TIME; change++) {
		_cleanup_free_ char *message = decide(60);

		assert_non_null(message);
		assert_string_equal(message, expected);
	}
}

/* Renaming a new file over it changes the inode's times and links, and nothing that was read. */
static void a_file_that_is_replaced_while_it_is_read_does_not(void **state)
{
	(void)state;
	change = CHANGE_NOTHING;
	assert_null(decide(60));
	change = CHANGE_MODE;
	assert_null(decide(60));
}

/* "mode = off" alone may be the beginning of a policy that goes on otherwise. */
static void a_fresh_file_decides_once_nobody_has_written_to_it_for_a_while(void **state)
{
	_cleanup_free_ char *message = NULL;

	(void)state;
	change = CHANGE_NOTHING;
	assert_null(decide(0));
	assert_int_equal(waiting.calls, 2);
	assert_int_equal(waiting.of.tv_nsec, 5);
	assert_null(decide(1));
	assert_int_equal(waiting.calls, 0);
	assert_null(decide(-60));
	assert_int_equal(waiting.calls, 0);
	waiting.fd = 0;
	message = decide(0);
	assert_string_equal(message,
			    "default.conf: the file changed while it was read; write a new file and rename it");
	waiting.fd = -1;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_file_that_changes_while_it_is_read_refuses),
		cmocka_unit_test(a_file_that_is_replaced_while_it_is_read_does_not),
		cmocka_unit_test(a_fresh_file_decides_once_nobody_has_written_to_it_for_a_while),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
