/* SPDX-License-Identifier: BSD-3-Clause OR GPL-2.0-or-later */
#include "session/record.h"

#include <fcntl.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <string.h>
#include <sys/file.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>

#include <cmocka.h>

#define ID "0123456789ab"

static int make_directory(void **state)
{
	char *path = strdup("/tmp/test-record-read-XXXXXX");

	*state = path;
	return path && mkdtemp(path) ? 0 : -1;
}

static int remove_directory(void **state)
{
	_cleanup_free_ char *path = *state;
	DIR *dir = opendir(path);
	const struct dirent *entry;

	while ((entry = readdir(dir)))
		(void)unlinkat(dirfd(dir), entry->d_name, entry->d_type == DT_DIR ? AT_REMOVEDIR : 0);
	(void)closedir(dir);
	return rmdir(path);
}

static char *path_in(const char *directory, const char *name)
{
	char *path = NULL;

	assert_true(asprintf(&path, "%s/%s", directory, name) > 0);
	return path;
}

static void write_file(const char *directory, const char *name, const char *text)
{
	_cleanup_free_ char *path = path_in(directory, name);
	_cleanup_(fclosep) FILE *file = fopen(path, "we");

	assert_non_null(file);
	assert_true(fputs(text, file) >= 0);
}

static char *example_text(const char *id, const char *login)
{
	struct record record = {
		.login = (char *)login,
		.user = (char *)"alice",
		.uid = 1000,
		.service = (char *)"sshd",
		.login_pid = 1,
		.init_pid = 1,
		.policy = (char *)"default.conf",
		.network = (char *)"loopback",
		.mode = (char *)"enforce",
		.scope = (char *)"session",
		.on_logout = (char *)"kill",
	};

	memcpy(record.id, id, sizeof(record.id));
	return record_format(&record);
}

static void write_record(const char *directory, const char *name, const char *id)
{
	_cleanup_free_ char *text = example_text(id, "");

	write_file(directory, name, text);
}

/* A child that holds a lock of this type until it is killed. */
static pid_t hold_lock_of(const char *path, short type, off_t start, off_t length)
{
	int ready[2];
	char byte;

	assert_int_equal(pipe2(ready, O_CLOEXEC), 0);

	pid_t child = fork();

	assert_true(child >= 0);
	if (child == 0) {
		struct flock lock = { .l_type = type, .l_whence = SEEK_SET, .l_start = start, .l_len = length };
		int fd = open(path, O_RDWR | O_CLOEXEC);

		if (fd < 0 || fcntl(fd, F_SETLK, &lock) < 0 || write(ready[1], "r", 1) != 1)
			_exit(1);
		for (;;)
			(void)pause();
	}
	(void)close(ready[1]);
	assert_int_equal(read(ready[0], &byte, 1), 1);
	(void)close(ready[0]);
	return child;
}

static pid_t hold_lock(const char *directory, const char *name, short type)
{
	_cleanup_free_ char *path = path_in(directory, name);

	return hold_lock_of(path, type, 0, 0);
}

static void end(pid_t child)
{
	assert_int_equal(kill(child, SIGKILL), 0);
	assert_int_equal(waitpid(child, NULL, 0), child);
}

static const struct record_view *find(const struct record_list *list, const char *name)
{
	for (size_t i = 0; i < list->count; i++) {
		if (strcmp(list->items[i].name, name) == 0)
			return &list->items[i];
	}
	fail_msg("%s is not listed", name);
	return NULL;
}

static void missing_directory_is_an_empty_list(void **state)
{
	struct record_list list = { .count = 7 };

	(void)state;
	assert_int_equal(records_read("/nonexistent/sessions", &list), 0);
	assert_int_equal(list.count, 0);
}

static void path_that_is_no_directory_is_an_error(void **state)
{
	struct record_list list = { 0 };
	_cleanup_free_ char *path = path_in(*state, "file");
	_cleanup_free_ char *link = path_in(*state, "link");

	write_file(*state, "file", "");
	assert_int_equal(records_read(path, &list), -ENOTDIR);
	assert_int_equal(symlink("/", link), 0);
	assert_int_equal(records_read(link, &list), -ENOTDIR);
}

static void lock_tells_that_a_session_is_alive_and_who_holds_it(void **state)
{
	_cleanup_(record_list_release) struct record_list list = { 0 };

	write_record(*state, ID, ID);

	pid_t child = hold_lock(*state, ID, F_WRLCK);

	assert_int_equal(records_read(*state, &list), 0);
	assert_int_equal(list.count, 1);
	assert_true(list.items[0].valid);
	assert_true(list.items[0].alive);
	assert_int_equal(list.items[0].init_pid, child);
	assert_string_equal(list.items[0].record.user, "alice");
	end(child);
}

static void lock_dies_with_its_holder(void **state)
{
	_cleanup_(record_list_release) struct record_list list = { 0 };

	write_record(*state, ID, ID);
	end(hold_lock(*state, ID, F_WRLCK));
	assert_int_equal(records_read(*state, &list), 0);
	assert_true(list.items[0].valid);
	assert_false(list.items[0].alive);
	assert_int_equal(list.items[0].init_pid, 0);
}

static void read_lock_keeps_nothing_alive(void **state)
{
	_cleanup_(record_list_release) struct record_list list = { 0 };

	write_record(*state, ID, ID);

	pid_t child = hold_lock(*state, ID, F_RDLCK);

	assert_int_equal(records_read(*state, &list), 0);
	assert_false(list.items[0].alive);
	end(child);
}

static void lock_of_an_open_file_description_names_no_process(void **state)
{
	_cleanup_free_ char *path = path_in(*state, ID);
	struct flock lock = { .l_type = F_WRLCK, .l_whence = SEEK_SET };
	pid_t pid = 77;

	write_record(*state, ID, ID);

	_cleanup_close_ int holder = open(path, O_RDWR | O_CLOEXEC);
	_cleanup_close_ int fd = open(path, O_RDONLY | O_CLOEXEC);

	assert_int_equal(fcntl(holder, F_OFD_SETLK, &lock), 0);
	assert_int_equal(record_alive(fd, &pid), 1);
	assert_int_equal(pid, 0);
}

static void reading_takes_no_lock(void **state)
{
	_cleanup_(record_list_release) struct record_list list = { 0 };

	write_record(*state, ID, ID);
	assert_int_equal(records_read(*state, &list), 0);

	/* would fail if this process held any lock on the file */
	end(hold_lock(*state, ID, F_WRLCK));
}

static void descriptor_that_is_none_is_an_error(void **state)
{
	pid_t pid;

	(void)state;
	assert_int_equal(record_alive(-1, &pid), -EBADF);
}

static void files_that_are_no_records_are_listed_as_invalid(void **state)
{
	static const char *const names[] = {
		"111111111111", /* garbage */
		"222222222222", /* another session's id inside */
		"333333333333", /* over the cap */
		"444444444444", /* empty */
		"555555555555", /* a link to a valid record */
		"666666666666", /* a FIFO without a writer */
		"777777777777", /* a directory */
		"888888888888", /* a socket */
		"AAAAAAAAAAAA", /* no id */
		"short",
	};
	_cleanup_(record_list_release) struct record_list list = { 0 };
	_cleanup_free_ char *huge = malloc(RECORD_MAX + 2);
	_cleanup_free_ char *link = path_in(*state, names[4]);
	_cleanup_free_ char *fifo = path_in(*state, names[5]);
	_cleanup_free_ char *directory = path_in(*state, names[6]);
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	_cleanup_close_ int bound = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

	memset(huge, 'n', RECORD_MAX + 1);
	huge[RECORD_MAX + 1] = '\0';
	write_record(*state, ID, ID);
	write_file(*state, names[0], "nsisolate-record=1\ngarbage\n");
	write_record(*state, names[1], ID);
	write_file(*state, names[2], huge);
	write_file(*state, names[3], "");
	assert_int_equal(symlink(ID, link), 0);
	assert_int_equal(mkfifo(fifo, 0600), 0);
	assert_int_equal(mkdir(directory, 0700), 0);
	(void)snprintf(address.sun_path, sizeof(address.sun_path), "%s/%s", (const char *)*state, names[7]);
	assert_int_equal(bind(bound, (const struct sockaddr *)&address, sizeof(address)), 0);
	write_record(*state, names[8], ID);
	write_record(*state, names[9], ID);

	assert_int_equal(records_read(*state, &list), 0);
	assert_int_equal(list.count, ELEMENTS(names) + 1);
	assert_true(find(&list, ID)->valid);
	for (size_t i = 0; i < ELEMENTS(names); i++) {
		assert_false(find(&list, names[i])->valid);
		assert_false(find(&list, names[i])->alive);
		assert_null(find(&list, names[i])->record.user);
	}
}

static void held_lock_shows_even_when_the_text_is_broken(void **state)
{
	_cleanup_(record_list_release) struct record_list list = { 0 };

	write_file(*state, ID, "garbage");

	pid_t child = hold_lock(*state, ID, F_WRLCK);

	assert_int_equal(records_read(*state, &list), 0);
	assert_false(list.items[0].valid);
	assert_true(list.items[0].alive);
	assert_int_equal(list.items[0].init_pid, child);
	end(child);
}

static void login_is_told_from_its_session(void **state)
{
	static const struct {
		off_t start, length;
		bool session, login;
	} cases[] = {
		{ 0, 1, true, false },
		{ RECORD_LOGIN_BYTE, 1, true, true },
		{ 0, RECORD_LOGIN_BYTE + 1, true, true },
		{ 0, 0, true, true },
		{ RECORD_LOGIN_BYTE + 1, 0, true, false },
	};
	_cleanup_free_ char *path = path_in(*state, ID);

	write_record(*state, ID, ID);
	for (size_t i = 0; i < ELEMENTS(cases); i++) {
		_cleanup_(record_list_release) struct record_list list = { 0 };
		pid_t child = hold_lock_of(path, F_WRLCK, cases[i].start, cases[i].length);

		assert_int_equal(records_read(*state, &list), 0);
		assert_int_equal(list.items[0].alive, cases[i].session);
		assert_int_equal(list.items[0].login_alive, cases[i].login);
		assert_int_equal(list.items[0].init_pid, child);
		end(child);
	}
}

static void init_is_sealed_by_a_lock_of_its_own_alone(void **state)
{
	static const struct {
		off_t start, length, other_start;
		bool sealed;
	} cases[] = {
		{ 0, RECORD_SEALED_BYTE + 1, 0, true },
		{ 0, RECORD_LOGIN_BYTE + 1, 0, false },
		/* a lock on the whole file says that a process lives, and nothing else */
		{ 0, 0, 0, false },
		{ 0, RECORD_LOGIN_BYTE + 1, RECORD_SEALED_BYTE, false },
	};
	_cleanup_free_ char *path = path_in(*state, ID);

	write_record(*state, ID, ID);
	for (size_t i = 0; i < ELEMENTS(cases); i++) {
		_cleanup_(record_list_release) struct record_list list = { 0 };
		pid_t child = hold_lock_of(path, F_WRLCK, cases[i].start, cases[i].length), other = 0;

		if (cases[i].other_start > 0)
			other = hold_lock_of(path, F_WRLCK, cases[i].other_start, 1);
		assert_int_equal(records_read(*state, &list), 0);
		assert_int_equal(list.items[0].sealed, cases[i].sealed);
		assert_int_equal(list.items[0].init_pid, child);
		if (other > 0)
			end(other);
		end(child);
	}
}

static void record_of_a_later_login_is_called_by_both_names(void **state)
{
	static const struct {
		const char *file, *login;
		bool valid;
	} cases[] = {
		{ ID ".00beef", "00beef", true },
		{ ID ".00beef", "00bee1", false },
		{ ID ".00beef", "", false },
		{ ID, "00beef", false },
		{ ID ".00BEEF", "00BEEF", false },
		{ ID ".00bee", "00bee", false },
		{ ID ".", "", false },
		{ ID "..", ".", false },
	};

	for (size_t i = 0; i < ELEMENTS(cases); i++) {
		_cleanup_(record_list_release) struct record_list list = { 0 };
		_cleanup_free_ char *text = example_text(ID, cases[i].login);
		_cleanup_free_ char *path = path_in(*state, cases[i].file);

		write_file(*state, cases[i].file, text);
		assert_int_equal(records_read(*state, &list), 0);
		assert_int_equal(list.count, 1);
		assert_string_equal(list.items[0].name, cases[i].file);
		assert_int_equal(list.items[0].valid, cases[i].valid);
		assert_int_equal(unlink(path), 0);
	}
}

static void names_are_sorted_and_cut_to_the_length_of_a_record_s(void **state)
{
	_cleanup_(record_list_release) struct record_list list = { 0 };

	write_record(*state, "cccccccccccc", "cccccccccccc");
	write_record(*state, "aaaaaaaaaaaa", "aaaaaaaaaaaa");
	write_file(*state, "bbbbbbbbbbbb-and-more-that-is-cut", "");
	assert_int_equal(records_read(*state, &list), 0);
	assert_int_equal(list.count, 3);
	assert_string_equal(list.items[0].name, "aaaaaaaaaaaa");
	assert_string_equal(list.items[1].name, "bbbbbbbbbbbb-and-mo");
	assert_string_equal(list.items[2].name, "cccccccccccc");
	assert_false(list.items[1].valid);
}

#define IN_DIRECTORY(test) cmocka_unit_test_setup_teardown(test, make_directory, remove_directory)

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(missing_directory_is_an_empty_list),
		IN_DIRECTORY(path_that_is_no_directory_is_an_error),
		IN_DIRECTORY(lock_tells_that_a_session_is_alive_and_who_holds_it),
		IN_DIRECTORY(lock_dies_with_its_holder),
		IN_DIRECTORY(read_lock_keeps_nothing_alive),
		IN_DIRECTORY(lock_of_an_open_file_description_names_no_process),
		IN_DIRECTORY(reading_takes_no_lock),
		cmocka_unit_test(descriptor_that_is_none_is_an_error),
		IN_DIRECTORY(files_that_are_no_records_are_listed_as_invalid),
		IN_DIRECTORY(held_lock_shows_even_when_the_text_is_broken),
		IN_DIRECTORY(login_is_told_from_its_session),
		IN_DIRECTORY(init_is_sealed_by_a_lock_of_its_own_alone),
		IN_DIRECTORY(record_of_a_later_login_is_called_by_both_names),
		IN_DIRECTORY(names_are_sorted_and_cut_to_the_length_of_a_record_s),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
