/* SPDX-License-Identifier: BSD-3-Clause OR GPL-2.0-or-later */
/* A file that changes while it is read: pread(2) is faked so that someone writes right after it. */
#include "support.h"

#include <string.h>
#include <sys/stat.h>

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

static char *decide(void)
{
	struct candidate candidate = candidate_of(CANDIDATE_DEFAULT, "default.conf", "mode = off\n");
	struct candidates candidates = { .items = &candidate, .count = 1 };
	struct login login = { .user = "alice", .uid = 2000 };
	_cleanup_(policy_freep) struct policy *policy = NULL;
	struct diagnostics diag = { 0 };
	char *message = NULL;
	int r;

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
		_cleanup_free_ char *message = decide();

		assert_non_null(message);
		assert_string_equal(message, expected);
	}
}

/* Renaming a new file over it changes the inode's times and links, and nothing that was read. */
static void a_file_that_is_replaced_while_it_is_read_does_not(void **state)
{
	(void)state;
	change = CHANGE_NOTHING;
	assert_null(decide());
	change = CHANGE_MODE;
	assert_null(decide());
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_file_that_changes_while_it_is_read_refuses),
		cmocka_unit_test(a_file_that_is_replaced_while_it_is_read_does_not),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
