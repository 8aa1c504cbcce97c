/* SPDX-License-Identifier: BSD-3-Clause OR GPL-2.0-or-later */
/* Reading a file of a limited size, by a pread(2) that gives little at a time and is interrupted. */
#include "common/read_whole.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdint.h>
#include <string.h>
#include <sys/mman.h>

#include <cmocka.h>

ssize_t __real_pread64(int fd, void *buffer, size_t size, off_t offset);
ssize_t __wrap_pread64(int fd, void *buffer, size_t size, off_t offset);

static struct {
	size_t most; /* bytes of one call; 0: as many as are asked for */
	bool interrupted;
	int error;
} faked;

ssize_t __wrap_pread64(int fd, void *buffer, size_t size, off_t offset)
{
	faked.interrupted = faked.most > 0 && !faked.interrupted;
	if (faked.error || faked.interrupted) {
		errno = faked.error ? faked.error : EINTR;
		return -1;
	}
	return __real_pread64(fd, buffer, faked.most > 0 && size > faked.most ? faked.most : size, offset);
}

static int reset(void **state)
{
	(void)state;
	memset(&faked, 0, sizeof(faked));
	return 0;
}

/* The descriptor stands behind the text. */
static int file_of(const char *text)
{
	int fd = memfd_create("read-whole", MFD_CLOEXEC);

	assert_true(fd >= 0);
	assert_int_equal(write(fd, text, strlen(text)), strlen(text));
	return fd;
}

static void a_long_file_is_read_whole(void **state)
{
	static char text[100 * 1000 + 1];
	static const size_t limits[] = { 8191, 8192, 8193, 16384, sizeof(text) - 1, sizeof(text), 4 * sizeof(text) };

	(void)state;
	for (size_t i = 0; i < sizeof(text) - 1; i++)
		text[i] = (char)('a' + i % 23);
	for (size_t i = 0; i < ELEMENTS(limits); i++) {
		size_t expected = limits[i] < sizeof(text) - 1 ? limits[i] : sizeof(text) - 1;
		_cleanup_close_ int fd = file_of(text);
		_cleanup_free_ char *head = NULL;
		size_t size = 0;

		assert_int_equal(read_head(fd, limits[i], &head, &size), 0);
		assert_int_equal(size, expected);
		assert_int_equal(strlen(head), expected);
		assert_memory_equal(head, text, expected);
	}
}

static void a_file_is_read_up_to_its_limit_or_refused(void **state)
{
	static const struct {
		const char *text;
		size_t limit;
		int whole;
		const char *head;
	} cases[] = {
		{ "", 0, 0, "" },           { "", 5, 0, "" },
		{ "a", 0, -EFBIG, "" },     { "abcde", 4, -EFBIG, "abcd" },
		{ "abcde", 5, 0, "abcde" }, { "abcde", 4096, 0, "abcde" },
	};

	(void)state;
	for (size_t i = 0; i < ELEMENTS(cases); i++) {
		for (faked.most = 0; faked.most < 3; faked.most++) {
			_cleanup_close_ int fd = file_of(cases[i].text);
			_cleanup_free_ char *whole = NULL, *head = NULL;
			size_t size = 77;

			assert_int_equal(read_whole(fd, cases[i].limit, &whole, &size), cases[i].whole);
			if (cases[i].whole == 0) {
				assert_string_equal(whole, cases[i].text);
				assert_int_equal(size, strlen(cases[i].text));
			} else {
				assert_null(whole);
				assert_int_equal(size, 77);
			}
			assert_int_equal(read_head(fd, cases[i].limit, &head, &size), 0);
			assert_string_equal(head, cases[i].head);
			assert_int_equal(size, strlen(cases[i].head));
		}
	}
}

static void an_error_gives_nothing(void **state)
{
	_cleanup_close_ int fd = file_of("text");
	char *text = NULL;
	size_t size = 77;

	(void)state;
	faked.error = EIO;
	assert_int_equal(read_whole(fd, 100, &text, &size), -EIO);
	assert_int_equal(read_head(fd, 100, &text, &size), -EIO);
	assert_null(text);
	assert_int_equal(size, 77);
}

static void a_pipe_is_read_to_its_end(void **state)
{
	_cleanup_free_ char *text = NULL, *more = NULL;
	size_t size = 0;
	int fds[2];

	(void)state;
	faked.most = 3;
	assert_int_equal(pipe(fds), 0);
	assert_int_equal(write(fds[1], "abcdefghij", 10), 10);
	close_fd(fds[1]);
	assert_int_equal(read_whole(fds[0], 4, &more, &size), -EFBIG);
	assert_int_equal(read_whole(fds[0], 5, &text, &size), 0);
	assert_string_equal(text, "fghij");
	assert_int_equal(size, 5);
	close_fd(fds[0]);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(a_long_file_is_read_whole, reset),
		cmocka_unit_test_setup(a_file_is_read_up_to_its_limit_or_refused, reset),
		cmocka_unit_test_setup(an_error_gives_nothing, reset),
		cmocka_unit_test_setup(a_pipe_is_read_to_its_end, reset),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
