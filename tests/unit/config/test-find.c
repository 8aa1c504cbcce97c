/* SPDX-License-Identifier: BSD-3-Clause OR GPL-2.0-or-later */
/* Needs root: a policy file is root's. Users and groups are those that every system has. */
#include "support.h"

#include "config/find.h"

#include <fcntl.h>
#include <grp.h>
#include <pwd.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <sys/un.h>
#include <time.h>

#define SKIP   77
#define NOBODY 65534

static char directory[] = "/run/nsisolate-test-XXXXXX";
static int directory_fd = -1;
static struct identity alice; /* a user of the system: "daemon", of the group "daemon" */

static void make_file(const char *name, const char *text, mode_t mode)
{
	_cleanup_close_ int fd = openat(directory_fd, name, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);

	assert_true(fd >= 0);
	assert_int_equal(write(fd, text, strlen(text)), strlen(text));
	assert_int_equal(fchmod(fd, mode), 0);
}

static void make_directory(const char *name, mode_t mode)
{
	assert_int_equal(mkdirat(directory_fd, name, 0700), 0);
	assert_int_equal(fchmodat(directory_fd, name, mode, 0), 0);
}

static int set_up(void **state)
{
	(void)state;
	strcpy(directory + strlen(directory) - 6, "XXXXXX");
	if (!mkdtemp(directory) || chmod(directory, 0755) < 0)
		return -1;
	directory_fd = open(directory, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	return directory_fd < 0 ? -1 : identity_lookup("daemon", &alice);
}

static int tear_down(void **state)
{
	_cleanup_free_ char *command = NULL;

	(void)state;
	identity_release(&alice);
	directory_fd = close_fd(directory_fd);
	if (asprintf(&command, "rm -rf '%s'", directory) < 0)
		return -1;
	return system(command);
}

/* What policy_file_open() says about `name`: 0, or -errno with a sentence that contains `expected`. */
static void assert_open(const char *name, unsigned flags, int error, const char *expected)
{
	_cleanup_free_ char *sentence = NULL;
	_cleanup_close_ int fd = -1;
	struct timespec start, end;
	int r;

	assert_int_equal(clock_gettime(CLOCK_MONOTONIC, &start), 0);
	r = policy_file_open(directory_fd, name, flags, &fd, &sentence);
	assert_int_equal(clock_gettime(CLOCK_MONOTONIC, &end), 0);
	/* a FIFO would wait for ever, a lease of its owner's for three quarters of a minute */
	assert_true(end.tv_sec - start.tv_sec < 20);
	if (r != error)
		fail_msg("%s: %d instead of %d (%s)", name, r, error, sentence ? sentence : "no sentence");
	assert_true((fd >= 0) == (error == 0));
	if (!expected) {
		assert_null(sentence);
		return;
	}
	assert_non_null(sentence);
	if (!strstr(sentence, expected))
		fail_msg("%s: \"%s\" has no \"%s\"", name, sentence, expected);
}

static void a_file_of_root_is_opened_for_reading_and_not_inherited(void **state)
{
	_cleanup_free_ char *sentence = NULL;
	_cleanup_close_ int fd = -1;

	(void)state;
	make_file("default.conf", "mode = off\n", 0644);
	assert_int_equal(policy_file_open(directory_fd, "default.conf", 0, &fd, &sentence), 0);
	assert_int_equal(fcntl(fd, F_GETFD), FD_CLOEXEC);
	assert_int_equal(fcntl(fd, F_GETFL) & O_ACCMODE, O_RDONLY);
	make_file("secret.conf", "", 0400);
	assert_open("secret.conf", 0, 0, NULL);
	assert_open("missing.conf", 0, -ENOENT, NULL);
	assert_open("user/missing.conf", 0, -ENOENT, NULL);
}

static void what_is_no_regular_file_is_refused_at_once(void **state)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	_cleanup_close_ int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

	(void)state;
	assert_int_equal(mkfifoat(directory_fd, "fifo.conf", 0600), 0);
	assert_open("fifo.conf", 0, -EINVAL, "a FIFO; a policy is a regular file");
	make_file("target", "mode = off\n", 0644);
	assert_int_equal(symlinkat("target", directory_fd, "link.conf"), 0);
	assert_open("link.conf", 0, -ELOOP, "a symbolic link; a policy");
	make_directory("directory.conf", 0755);
	assert_open("directory.conf", 0, -EINVAL, "a directory");
	if (mknodat(directory_fd, "device.conf", S_IFCHR | 0600, makedev(5, 0)) == 0)
		assert_open("device.conf", 0, -EINVAL, "a device; a policy");
	assert_true(snprintf(address.sun_path, sizeof(address.sun_path), "%s/socket.conf", directory) > 0);
	assert_int_equal(bind(fd, (struct sockaddr *)&address, sizeof(address)), 0);
	assert_open("socket.conf", 0, -EINVAL, "a socket; a policy");
	assert_open("fifo.conf", FIND_ANY_OWNER, -EINVAL, "a FIFO; a policy");
	assert_open("link.conf", FIND_ANY_OWNER, -ELOOP, "a symbolic link; a policy");
}

static void a_huge_file_is_refused(void **state)
{
	(void)state;
	make_file("huge.conf", "", 0644);
	{
		_cleanup_close_ int fd = openat(directory_fd, "huge.conf", O_WRONLY | O_CLOEXEC);

		assert_int_equal(ftruncate(fd, POLICY_FILE_MAX), 0);
		assert_open("huge.conf", 0, 0, NULL);
		assert_int_equal(ftruncate(fd, POLICY_FILE_MAX + 1024), 0);
	}
	assert_open("huge.conf", 0, -EFBIG, "66560 bytes; a policy has at most 65536");
}

static void a_file_that_others_could_write_is_refused(void **state)
{
	(void)state;
	make_file("group-writable.conf", "", 0664);
	assert_open("group-writable.conf", 0, -EPERM, "writable by group or others (mode 0664)");
	assert_open("group-writable.conf", FIND_ANY_OWNER, 0, NULL);
	make_file("world-writable.conf", "", 0602);
	assert_open("world-writable.conf", 0, -EPERM, "writable by group or others (mode 0602); chmod go-w it");
	make_file("owner.conf", "", 0644);
	assert_int_equal(fchownat(directory_fd, "owner.conf", NOBODY, 0, 0), 0);
	assert_open("owner.conf", 0, -EPERM, "owned by uid 65534, not by root; chown root it");
	assert_open("owner.conf", FIND_ANY_OWNER, 0, NULL);
}

static void a_directory_that_others_could_write_is_refused(void **state)
{
	(void)state;
	make_directory("user", 0775);
	make_file("user/daemon.conf", "", 0644);
	assert_open("user/daemon.conf", 0, -EPERM, "the directory 'user' is writable by group or others (mode 0775)");
	assert_int_equal(fchmodat(directory_fd, "user", 0755, 0), 0);
	assert_open("user/daemon.conf", 0, 0, NULL);
	assert_int_equal(fchownat(directory_fd, "user", NOBODY, 0, 0), 0);
	assert_open("user/daemon.conf", 0, -EPERM, "the directory 'user' is owned by uid 65534");
	assert_int_equal(fchownat(directory_fd, "user", 0, 0, 0), 0);
	assert_int_equal(symlinkat("user", directory_fd, "group"), 0);
	assert_open("group/daemon.conf", 0, -ELOOP, "'group' is a symbolic link, not a directory");
}

/* policy_directory_open() of the test's directory with `suffix` behind it. */
static void assert_directory(const char *suffix, int error, const char *expected)
{
	_cleanup_free_ char *path = NULL, *sentence = NULL;
	_cleanup_close_ int fd = -1;
	int r;

	assert_true(asprintf(&path, "%s%s", directory, suffix) > 0);
	r = policy_directory_open(path, 0, &fd, &sentence);
	if (r != error)
		fail_msg("%s: %d instead of %d (%s)", path, r, error, sentence ? sentence : "no sentence");
	assert_true((fd >= 0) == (error == 0));
	if (expected && (!sentence || !strstr(sentence, expected)))
		fail_msg("%s: \"%s\" has no \"%s\"", path, sentence ? sentence : "", expected);
}

static void every_component_of_the_policy_directory_is_judged(void **state)
{
	_cleanup_free_ char *sentence = NULL;
	int fd = -1;

	(void)state;
	make_directory("a", 0755);
	make_directory("a/b", 0755);
	assert_directory("/a/b", 0, NULL);
	assert_directory("//a/./b/", 0, NULL);
	assert_directory("/a/c", -ENOENT, "is missing: there is no 'c'");
	assert_int_equal(symlinkat("a", directory_fd, "link"), 0);
	assert_directory("/link/b", -ELOOP, "/link' is a symbolic link, not a directory");
	assert_directory("/link", -ELOOP, "/link' is a symbolic link");
	assert_int_equal(fchmodat(directory_fd, "a", 0777, 0), 0);
	assert_directory("/a/b", -EPERM, "/a' is writable by group or others (mode 0777)");
	assert_int_equal(fchmodat(directory_fd, "a", 01777, 0), 0);
	assert_directory("/a/b", -EPERM, "/a' is writable by group or others (mode 1777)");
	make_file("file", "", 0644);
	assert_directory("/file", -ENOTDIR, "/file' is a regular file, not a directory");
	assert_int_equal(policy_directory_open("etc", 0, &fd, &sentence), -EINVAL);
	assert_string_equal(sentence, "the policy directory must be an absolute path");
	assert_int_equal(fd, -1);
}

static struct candidates find(unsigned flags)
{
	struct candidates list = { 0 };
	char *sentence = NULL;
	int r = candidates_find(directory_fd, &alice, flags, &list, &sentence);

	if (r < 0)
		fail_msg("%d: %s", r, sentence ? sentence : "no sentence");
	assert_null(sentence);
	return list;
}

static void candidates_come_in_the_order_user_groups_default(void **state)
{
	struct candidates list;

	(void)state;
	list = find(0);
	assert_int_equal(list.count, 0);
	candidates_release(&list);

	make_directory("user", 0755);
	make_directory("group", 0755);
	make_file("default.conf", "", 0644);
	make_file("user/daemon.conf", "", 0644);
	make_file("user/root.conf", "", 0644);
	make_file("group/daemon.conf", "", 0644);
	make_file("group/root.conf", "", 0644);
	make_file("group/zz-none.conf", "", 0644);
	make_file("group/aa-none.conf", "", 0644);
	list = find(0);
	assert_int_equal(list.count, 5);
	assert_string_equal(list.items[0].name, "user/daemon.conf");
	assert_int_equal(list.items[0].kind, CANDIDATE_USER);
	assert_true(list.items[0].fd >= 0);
	assert_string_equal(list.items[1].name, "group/aa-none.conf");
	assert_string_equal(list.items[1].problem, "there is no group 'aa-none'; create the group or remove the file");
	assert_int_equal(list.items[1].fd, -1);
	assert_string_equal(list.items[2].name, "group/daemon.conf");
	assert_int_equal(list.items[2].kind, CANDIDATE_GROUP);
	assert_null(list.items[2].problem);
	assert_string_equal(list.items[3].name, "group/zz-none.conf");
	assert_string_equal(list.items[4].name, "default.conf");
	assert_int_equal(list.items[4].kind, CANDIDATE_DEFAULT);
	candidates_release(&list);

	list = find(FIND_USER_ONLY);
	assert_int_equal(list.count, 1);
	assert_string_equal(list.items[0].name, "user/daemon.conf");
	candidates_release(&list);
}

static void names_that_are_no_policy_are_passed_over(void **state)
{
	static const char *const names[] = {
		"group/daemon.conf~", "group/#daemon.conf#", "group/.daemon.conf.swp", "group/.#daemon.conf",
		"group/.conf",        "group/daemon",        "group/README",           "group/daemon.conf.dpkg-old",
		"group/.daemon.conf",
	};
	struct candidates list;

	(void)state;
	make_directory("group", 0755);
	for (size_t i = 0; i < ELEMENTS(names); i++)
		make_file(names[i], "", 0644);
	list = find(0);
	assert_int_equal(list.count, 0);
	candidates_release(&list);
}

static void a_bad_file_or_directory_is_a_candidate_with_a_problem(void **state)
{
	struct candidates list;

	(void)state;
	make_directory("user", 0777);
	make_directory("group", 0755);
	assert_int_equal(mkfifoat(directory_fd, "group/daemon.conf", 0600), 0);
	assert_int_equal(symlinkat("/dev/null", directory_fd, "default.conf"), 0);
	list = find(0);
	assert_int_equal(list.count, 3);
	assert_string_equal(list.items[0].name, "user");
	assert_non_null(strstr(list.items[0].problem, "the directory 'user' is writable by group or others"));
	assert_string_equal(list.items[1].name, "group/daemon.conf");
	assert_string_equal(list.items[1].problem, "a FIFO; a policy is a regular file");
	assert_string_equal(list.items[2].problem, "a symbolic link; a policy is a regular file");
	for (size_t i = 0; i < list.count; i++)
		assert_int_equal(list.items[i].fd, -1);
	candidates_release(&list);

	assert_int_equal(unlinkat(directory_fd, "group/daemon.conf", 0), 0);
	assert_int_equal(unlinkat(directory_fd, "group", AT_REMOVEDIR), 0);
	make_file("group", "", 0644);
	list = find(0);
	assert_int_equal(list.count, 3);
	assert_string_equal(list.items[1].problem, "'group' is a regular file, not a directory");
	assert_int_equal(list.items[1].kind, CANDIDATE_GROUP);
	candidates_release(&list);
}

static void a_user_is_what_nss_knows(void **state)
{
	static const char *const bad[] = { "", ".", "..", ".x", "a/b", "/", "a\nb", "a\x7f", "\x01" };
	struct identity identity = { 0 };
	char long_name[POLICY_NAME_MAX + 2];

	(void)state;
	assert_int_equal(identity_lookup("root", &identity), 0);
	assert_string_equal(identity.name, "root");
	assert_int_equal(identity.uid, 0);
	assert_int_equal(identity_in_group(&identity, "root"), 1);
	assert_int_equal(identity_in_group(&identity, "daemon"), 0);
	assert_int_equal(identity_in_group(&identity, "no-such-group-here"), -ENOENT);
	identity_release(&identity);
	assert_int_equal(identity_lookup("no-such-user-here", &identity), -ENOENT);
	assert_null(identity.name);
	for (size_t i = 0; i < ELEMENTS(bad); i++)
		assert_int_equal(identity_lookup(bad[i], &identity), -EINVAL);
	memset(long_name, 'a', sizeof(long_name) - 1);
	long_name[sizeof(long_name) - 1] = '\0';
	assert_int_equal(identity_lookup(long_name, &identity), -EINVAL);
	long_name[POLICY_NAME_MAX] = '\0';
	assert_int_equal(identity_lookup(long_name, &identity), -ENOENT);
}

static void the_question_asked_for_root_follows_nothing(void **state)
{
	(void)state;
	assert_int_equal(root_policy_exists(directory), 0);
	assert_int_equal(root_policy_exists("/nonexistent"), 0);
	assert_int_equal(root_policy_exists("/dev/null"), 0);
	make_file("user", "", 0644);
	assert_int_equal(root_policy_exists(directory), 0);
	assert_int_equal(unlinkat(directory_fd, "user", 0), 0);
	make_directory("user", 0755);
	assert_int_equal(root_policy_exists(directory), 0);
	assert_int_equal(symlinkat("nowhere", directory_fd, "user/root.conf"), 0);
	assert_int_equal(root_policy_exists(directory), 1);
	assert_int_equal(unlinkat(directory_fd, "user/root.conf", 0), 0);
	make_file("user/root.conf", "", 0644);
	assert_int_equal(root_policy_exists(directory), 1);
}

static void whether_root_has_a_policy_may_be_impossible_to_tell(void **state)
{
	struct rlimit before;

	(void)state;
	assert_int_equal(symlinkat("user", directory_fd, "user"), 0);
	assert_int_equal(root_policy_exists(directory), -ELOOP);
	assert_int_equal(unlinkat(directory_fd, "user", 0), 0);
	make_directory("user", 0755);
	make_file("user/root.conf", "", 0644);
	assert_int_equal(getrlimit(RLIMIT_NOFILE, &before), 0);
	assert_int_equal(setrlimit(RLIMIT_NOFILE, &(struct rlimit){ .rlim_max = before.rlim_max }), 0);
	assert_int_equal(root_policy_exists(directory), 1);
	assert_int_equal(setrlimit(RLIMIT_NOFILE, &before), 0);
}

/* As many candidates as fit into one message to the helper. */
static void too_many_files_are_an_error_and_not_a_cut(void **state)
{
	struct candidates list = { 0 };
	char *sentence = NULL;

	(void)state;
	make_directory("group", 0755);
	for (int i = 0; i <= CANDIDATES_MAX; i++) {
		char name[64];

		(void)snprintf(name, sizeof(name), "group/no-such-group-%03d.conf", i);
		make_file(name, "", 0644);
	}
	assert_int_equal(candidates_find(directory_fd, &alice, 0, &list, &sentence), -E2BIG);
	assert_string_equal(sentence, "more than 200 policy files are this user's");
	assert_int_equal(list.count, 0);
	free(sentence);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(a_file_of_root_is_opened_for_reading_and_not_inherited),
		TEST(what_is_no_regular_file_is_refused_at_once),
		TEST(a_huge_file_is_refused),
		TEST(a_file_that_others_could_write_is_refused),
		TEST(a_directory_that_others_could_write_is_refused),
		TEST(every_component_of_the_policy_directory_is_judged),
		TEST(candidates_come_in_the_order_user_groups_default),
		TEST(names_that_are_no_policy_are_passed_over),
		TEST(a_bad_file_or_directory_is_a_candidate_with_a_problem),
		TEST(a_user_is_what_nss_knows),
		TEST(the_question_asked_for_root_follows_nothing),
		TEST(whether_root_has_a_policy_may_be_impossible_to_tell),
		TEST(too_many_files_are_an_error_and_not_a_cut),
	};

	if (geteuid() != 0) {
		(void)fprintf(stderr, "needs root\n");
		return getenv("CI") ? 1 : SKIP;
	}
	return cmocka_run_group_tests(tests, NULL, NULL);
}
