/* SPDX-License-Identifier: BSD-3-Clause OR GPL-2.0-or-later */

/* Counting logins, in the sandbox's own /run: what a login program never notices. */

#include "pam/harness.h"

#include "session/counters.h"
#include "session/record_store.h"

#include <fcntl.h>
#include <signal.h>
#include <sys/mount.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>

#define FILE_PATH RECORD_ROOT "/" COUNTERS_NAME
#define AT_ONCE   50
#define EACH      200

static void forget(void)
{
	(void)unlink(FILE_PATH);
}

static uint32_t counted(enum counter counter)
{
	_cleanup_close_ int fd = open(FILE_PATH, O_RDONLY | O_CLOEXEC);
	uint32_t number = 0;

	CHECK(fd >= 0);
	CHECK_INT(pread(fd, &number, sizeof(number), COUNTERS_HEADER_SIZE + (off_t)counter * 4), sizeof(number));
	return number;
}

static void the_file_is_made_whole_and_for_root_alone(void)
{
	struct stat status;

	forget();
	(void)umask(0777);
	counters_add_once(COUNTER_JOINED);
	CHECK_INT(stat(FILE_PATH, &status), 0);
	CHECK_INT(status.st_mode & 07777, 0600);
	CHECK_INT(status.st_size, COUNTERS_SIZE);
	CHECK_INT(counted(COUNTER_JOINED), 1);
	CHECK_INT(counted(COUNTER_OPENED), 0);
	CHECK_INT(counted(COUNTER_WOULD_ISOLATE), 0);
}

static void the_directory_is_made_as_the_helper_makes_it(void)
{
	struct stat status;

	empty_directory(RECORD_ROOT);
	CHECK_INT(rmdir(RECORD_ROOT), 0);
	(void)umask(077);
	counters_add_once(COUNTER_OPENED);
	CHECK_INT(counted(COUNTER_OPENED), 1);
	CHECK_INT(stat(RECORD_ROOT, &status), 0);
	CHECK_INT(status.st_mode & 07777, 0755);
}

/* From the first on, which makes the file, and whoever dies in between: none counts twice, none is lost. */
static void many_at_once_lose_none(void)
{
	int status;

	forget();
	for (int i = 0; i < AT_ONCE; i++) {
		pid_t pid = fork();

		CHECK(pid >= 0);
		if (pid == 0) {
			for (int j = 0; j < EACH; j++)
				counters_add_once(COUNTER_OPENED);
			_exit(0);
		}
	}
	while (wait(&status) > 0)
		CHECK_INT(status, 0);
	CHECK_INT(counted(COUNTER_OPENED), AT_ONCE * EACH);
}

static void a_file_that_is_cut_short_meanwhile_is_no_signal(void)
{
	struct counters counters = { 0 };

	forget();
	counters_open(&counters);
	CHECK(counters.numbers);
	CHECK_INT(truncate(FILE_PATH, 0), 0);
	counters_add(&counters, COUNTER_OPENED);
	counters_release(&counters);
	/* and afterwards it is none of ours */
	counters_add_once(COUNTER_OPENED);
	CHECK_INT(truncate(FILE_PATH, COUNTERS_SIZE), 0);
	CHECK_INT(counted(COUNTER_OPENED), 0);
	forget();
}

static void a_limit_on_file_sizes_is_no_signal(void)
{
	const struct rlimit none = { 0, RLIM_INFINITY }, unlimited = { RLIM_INFINITY, RLIM_INFINITY };

	forget();
	CHECK_INT(setrlimit(RLIMIT_FSIZE, &none), 0);
	counters_add_once(COUNTER_OPENED);
	CHECK_INT(access(FILE_PATH, F_OK), -1);
	/* adding to one that is there writes nothing */
	CHECK_INT(setrlimit(RLIMIT_FSIZE, &unlimited), 0);
	counters_add_once(COUNTER_OPENED);
	CHECK_INT(setrlimit(RLIMIT_FSIZE, &none), 0);
	counters_add_once(COUNTER_OPENED);
	CHECK_INT(counted(COUNTER_OPENED), 2);
}

static void make_directory(void)
{
	CHECK_INT(mkdir(FILE_PATH, 0700), 0);
}

static void make_pipe(void)
{
	CHECK_INT(mkfifo(FILE_PATH, 0600), 0);
}

static void make_link(void)
{
	CHECK_INT(symlink("/run/other", FILE_PATH), 0);
}

static void make_short(void)
{
	write_text(FILE_PATH, "short", 0600);
}

static void make_open(void)
{
	CHECK_INT(rename("/run/other", FILE_PATH), 0);
	CHECK_INT(chmod(FILE_PATH, 0622), 0);
}

static void make_foreign(void)
{
	CHECK_INT(rename("/run/other", FILE_PATH), 0);
	CHECK_INT(chown(FILE_PATH, ALICE, ALICE), 0);
}

static void what_is_not_ours_is_left_alone(void)
{
	static void (*const makers[])(void) = { make_directory, make_pipe, make_link,
						make_short,     make_open, make_foreign };

	for (size_t i = 0; i < ELEMENTS(makers); i++) {
		char zeros[COUNTERS_SIZE + 1];
		struct counters counters = { 0 };

		memset(zeros, '0', COUNTERS_SIZE);
		zeros[COUNTERS_SIZE] = '\0';
		write_text("/run/other", zeros, 0600);
		forget();
		makers[i]();
		alarm(60);
		counters_open(&counters);
		CHECK(!counters.numbers);
		counters_add(&counters, COUNTER_OPENED);
		counters_release(&counters);
		(void)rmdir(FILE_PATH);
		forget();
		(void)unlink("/run/other");
	}
}

/* As inside a session: what is mounted there is another's. */
static void a_directory_that_is_a_mount_is_left_alone(void)
{
	empty_directory(RECORD_ROOT);
	CHECK_INT(mount("none", RECORD_ROOT, "tmpfs", 0, "mode=0755"), 0);
	counters_add_once(COUNTER_OPENED);
	CHECK_INT(access(FILE_PATH, F_OK), -1);
	CHECK_INT(umount2(RECORD_ROOT, MNT_DETACH), 0);
}

static void a_full_file_system_is_no_error(void)
{
	empty_directory(RECORD_ROOT);
	CHECK_INT(rmdir(RECORD_ROOT), 0);
	CHECK_INT(mount("none", "/run", "tmpfs", 0, "size=4k,nr_inodes=3"), 0);
	counters_add_once(COUNTER_OPENED);
	counters_add_once(COUNTER_OPENED);
	CHECK_INT(counted(COUNTER_OPENED), 2);
	forget();
	CHECK_INT(mknod("/run/full", S_IFREG | 0600, 0), 0);
	CHECK_INT(truncate("/run/full", 1), 0);
	counters_add_once(COUNTER_OPENED);
	CHECK_INT(access(FILE_PATH, F_OK), -1);
	CHECK_INT(umount2("/run", MNT_DETACH), 0);
}

static void nothing_is_left_in_the_login_program(void)
{
	struct counters counters = { 0 };
	int before, after;

	counters_add_once(COUNTER_OPENED);
	before = open("/dev/null", O_RDONLY | O_CLOEXEC);
	close_fd(before);
	counters_open(&counters);
	after = open("/dev/null", O_RDONLY | O_CLOEXEC);
	close_fd(after);
	CHECK_INT(after, before);
	counters_release(&counters);
	CHECK(!counters.numbers);
	counters_release(&counters);
}

int main(void)
{
	static const struct pam_case cases[] = {
		CASE(the_file_is_made_whole_and_for_root_alone),
		CASE(the_directory_is_made_as_the_helper_makes_it),
		CASE(many_at_once_lose_none),
		CASE(a_file_that_is_cut_short_meanwhile_is_no_signal),
		CASE(a_limit_on_file_sizes_is_no_signal),
		CASE(what_is_not_ours_is_left_alone),
		CASE(a_directory_that_is_a_mount_is_left_alone),
		CASE(a_full_file_system_is_no_error),
		CASE(nothing_is_left_in_the_login_program),
	};

	return run_cases(cases, ELEMENTS(cases));
}
