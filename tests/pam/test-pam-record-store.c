/* SPDX-License-Identifier: BSD-3-Clause OR GPL-2.0-or-later */

/* Where records are kept, in the sandbox's own /run; through the functions of the helper, without a login. */

#include "pam/harness.h"

#include "session/record_store.h"

#include <fcntl.h>
#include <sys/stat.h>

static void remove_record_root(void)
{
	(void)rmdir(RECORD_DIRECTORY);
	empty_directory(RECORD_ROOT);
	CHECK(rmdir(RECORD_ROOT) == 0 || errno == ENOENT);
}

static int open_directory(void)
{
	int fd = record_directory_open();

	CHECK(fd >= 0);
	return fd;
}

static int publish(int directory, const char *id)
{
	struct record record = {
		.login = (char *)"",
		.user = (char *)"alice",
		.uid = ALICE,
		.service = (char *)"test",
		.login_pid = getpid(),
		.init_pid = getpid(),
		.policy = (char *)"default.conf",
		.network = (char *)"loopback",
		.mode = (char *)"enforce",
		.scope = (char *)"session",
		.on_logout = (char *)"kill",
	};
	int file = record_file_new(directory);
	int r;

	CHECK(file >= 0);
	(void)snprintf(record.id, sizeof(record.id), "%s", id);
	CHECK_INT(record_lock(file, RECORD_LOCK_BOTH), 0);
	CHECK_INT(record_write(file, &record), 0);
	r = record_publish(directory, file, id);
	close_fd(file);
	return r;
}

static void directory_is_made_for_root_alone(void)
{
	struct stat status;

	remove_record_root();
	(void)umask(0);
	close_fd(open_directory());
	CHECK_INT(stat(RECORD_ROOT, &status), 0);
	CHECK_INT(status.st_mode & 07777, 0755);
	CHECK_INT(stat(RECORD_DIRECTORY, &status), 0);
	CHECK_INT(status.st_mode & 07777, 0700);
	CHECK_INT(status.st_uid, 0);
}

static void directory_that_others_can_write_is_refused(void)
{
	static const char *const paths[] = { RECORD_ROOT, RECORD_DIRECTORY };

	close_fd(open_directory());
	for (size_t i = 0; i < ELEMENTS(paths); i++) {
		struct stat status;

		CHECK_INT(stat(paths[i], &status), 0);
		CHECK_INT(chmod(paths[i], 0777), 0);
		CHECK_INT(record_directory_open(), -EPERM);
		CHECK_INT(chmod(paths[i], status.st_mode & 07777), 0);
		CHECK_INT(chown(paths[i], ALICE, ALICE), 0);
		CHECK_INT(record_directory_open(), -EPERM);
		CHECK_INT(chown(paths[i], 0, 0), 0);
	}
	close_fd(open_directory());
}

static void link_or_file_in_its_place_is_refused(void)
{
	remove_record_root();
	CHECK_INT(mkdir("/run/elsewhere", 0755), 0);
	CHECK_INT(symlink("/run/elsewhere", RECORD_ROOT), 0);
	CHECK(record_directory_open() < 0);
	CHECK_INT(rmdir("/run/elsewhere"), 0);
	CHECK_INT(unlink(RECORD_ROOT), 0);
	write_text(RECORD_ROOT, "", 0644);
	CHECK_INT(record_directory_open(), -ENOTDIR);
	CHECK_INT(unlink(RECORD_ROOT), 0);
}

static void record_is_whole_or_not_there(void)
{
	_cleanup_close_ int directory = open_directory();
	struct record_list list;
	int file = record_file_new(directory);

	CHECK(file >= 0);
	CHECK_INT(write(file, "half", 4), 4);
	CHECK_INT(count_records(), 0);
	close_fd(file);
	CHECK_INT(count_records(), 0);
	CHECK_INT(publish(directory, "0123456789ab"), 0);
	CHECK_INT(records_read(RECORD_DIRECTORY, &list), 0);
	CHECK_INT(list.count, 1);
	CHECK(list.items[0].valid);
	CHECK(!list.items[0].alive);
	record_list_release(&list);
}

static void taken_id_is_told(void)
{
	_cleanup_close_ int directory = open_directory();

	CHECK_INT(publish(directory, "0123456789ab"), 0);
	CHECK_INT(publish(directory, "0123456789ab"), -EEXIST);
	CHECK_INT(count_records(), 1);
	CHECK_INT(record_remove("0123456789ab"), 0);
	CHECK_INT(record_remove("0123456789ab"), 0);
	CHECK_INT(count_records(), 0);
}

/* Few at a time, so that a login never pays for all; all of them in the end, wherever a sweep begins. */
static void sweeps_take_a_few_and_all_in_the_end(void)
{
	_cleanup_close_ int directory = open_directory();
	size_t left;

	for (int i = 0; i < 30; i++) {
		char id[SESSION_ID_LENGTH + 1];

		(void)snprintf(id, sizeof(id), "%012d", i);
		CHECK_INT(publish(directory, id), 0);
	}
	record_sweep(directory);
	left = count_records();
	CHECK(left >= 22);
	for (int i = 0; i < 200 && count_records() > 0; i++)
		record_sweep(directory);
	CHECK_INT(count_records(), 0);
}

static void sweeping_follows_no_link_and_hangs_on_nothing(void)
{
	_cleanup_close_ int directory = open_directory();

	write_text("/run/kept", "", 0600);
	CHECK_INT(symlink("/run/kept", RECORD_DIRECTORY "/aaaaaaaaaaaa"), 0);
	CHECK_INT(mkfifo(RECORD_DIRECTORY "/bbbbbbbbbbbb", 0600), 0);
	CHECK_INT(mkdir(RECORD_DIRECTORY "/cccccccccccc", 0700), 0);
	alarm(60);
	record_sweep(directory);
	CHECK_INT(access("/run/kept", F_OK), 0);
	CHECK_INT(unlink("/run/kept"), 0);
	(void)unlink(RECORD_DIRECTORY "/aaaaaaaaaaaa");
	(void)unlink(RECORD_DIRECTORY "/bbbbbbbbbbbb");
	CHECK_INT(rmdir(RECORD_DIRECTORY "/cccccccccccc"), 0);
}

static void ids_are_new_and_hexadecimal(void)
{
	char first[SESSION_ID_LENGTH + 1], second[SESSION_ID_LENGTH + 1];

	CHECK_INT(random_id(first, SESSION_ID_LENGTH), 0);
	CHECK_INT(random_id(second, SESSION_ID_LENGTH), 0);
	CHECK(strcmp(first, second) != 0);
	CHECK_INT(strlen(first), SESSION_ID_LENGTH);
	CHECK_INT(strspn(first, "0123456789abcdef"), SESSION_ID_LENGTH);
}

int main(void)
{
	static const struct pam_case cases[] = {
		CASE(directory_is_made_for_root_alone),
		CASE(directory_that_others_can_write_is_refused),
		CASE(link_or_file_in_its_place_is_refused),
		CASE(record_is_whole_or_not_there),
		CASE(taken_id_is_told),
		CASE(sweeps_take_a_few_and_all_in_the_end),
		CASE(sweeping_follows_no_link_and_hangs_on_nothing),
		CASE(ids_are_new_and_hexadecimal),
	};

	return run_cases(cases, ELEMENTS(cases));
}
