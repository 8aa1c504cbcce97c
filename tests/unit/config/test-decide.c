/* SPDX-License-Identifier: BSD-3-Clause OR GPL-2.0-or-later */
#include "support.h"

#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>

#define UID_MIN 1000
#define BROKEN  "mode = x"

struct file {
	enum candidate_kind kind;
	const char *name;
	const char *text; /* NULL: has a problem */
};

#define USER(text)                                      \
	{                                               \
		CANDIDATE_USER, "user/alice.conf", text \
	}
#define GROUP(name, text)                                    \
	{                                                    \
		CANDIDATE_GROUP, "group/" name ".conf", text \
	}
#define DEFAULT(text)                                   \
	{                                               \
		CANDIDATE_DEFAULT, "default.conf", text \
	}
#define FILES_MAX 4

/* The file that decides for `uid`, or "" with the outcome in *ret; the first error in *ret_message. */
static char *decide(const struct file *files, uid_t uid, int *ret, char **ret_message)
{
	struct candidates candidates = { .items = calloc(FILES_MAX, sizeof(*candidates.items)) };
	struct login login = { .user = "alice", .uid = uid, .service = "sshd", .from = "192.0.2.1" };
	_cleanup_(policy_freep) struct policy *policy = NULL;
	struct diagnostics diag = { 0 };
	char *file;

	assert_non_null(candidates.items);
	for (size_t i = 0; i < FILES_MAX && files[i].name; i++)
		candidates.items[candidates.count++] = candidate_of(files[i].kind, files[i].name, files[i].text);
	*ret = policy_decide(&candidates, &login, UID_MIN, &policy, &diag);
	assert_true((*ret == DECISION_POLICY) == (policy != NULL));
	assert_true((*ret == -EBADMSG) == diagnostics_failed(&diag));
	*ret_message = *ret == -EBADMSG ? diagnostic_format(diagnostics_first_error(&diag)) : NULL;
	file = strdup(policy ? policy->file : "");
	assert_non_null(file);
	diagnostics_release(&diag);
	candidates_release(&candidates);
	return file;
}

static const struct {
	const char *what;
	struct file files[FILES_MAX];
	uid_t uid;
	int outcome;
	const char *file, *message;
} cases[] = {
	{ "no file", { { 0 } }, 2000, DECISION_NONE, "", NULL },
	{ "the user's file wins",
	  { USER(""), GROUP("a", ""), DEFAULT("") },
	  2000,
	  DECISION_POLICY,
	  "user/alice.conf",
	  NULL },
	{ "then a group's", { GROUP("a", ""), DEFAULT("") }, 2000, DECISION_POLICY, "group/a.conf", NULL },
	{ "of several the first by name",
	  { GROUP("a", ""), GROUP("b", "mode = off"), DEFAULT("") },
	  2000,
	  DECISION_POLICY,
	  "group/a.conf",
	  NULL },
	{ "then the default", { DEFAULT("mode = off") }, 2000, DECISION_POLICY, "default.conf", NULL },
	{ "a broken user file refuses",
	  { USER(BROKEN), DEFAULT("") },
	  2000,
	  -EBADMSG,
	  "",
	  "user/alice.conf:1: mode: 'x' is none of enforce, audit, off" },
	{ "a problem refuses", { USER(NULL), DEFAULT("") }, 2000, -EBADMSG, "", "user/alice.conf: the test says so" },
	{ "files after the one that decides are not read",
	  { USER(""), GROUP("a", BROKEN), DEFAULT(BROKEN) },
	  2000,
	  DECISION_POLICY,
	  "user/alice.conf",
	  NULL },
	{ "a later broken group refuses",
	  { GROUP("a", ""), GROUP("b", BROKEN), DEFAULT("") },
	  2000,
	  -EBADMSG,
	  "",
	  "group/b.conf:1: mode: 'x' is none of enforce, audit, off" },
	{ "a later group with a problem refuses",
	  { GROUP("a", ""), GROUP("b", NULL) },
	  2000,
	  -EBADMSG,
	  "",
	  "group/b.conf: the test says so" },
	{ "a broken default is not reached after a group",
	  { GROUP("a", ""), DEFAULT(BROKEN) },
	  2000,
	  DECISION_POLICY,
	  "group/a.conf",
	  NULL },
	{ "a broken default refuses",
	  { DEFAULT(BROKEN) },
	  2000,
	  -EBADMSG,
	  "",
	  "default.conf:1: mode: 'x' is none of enforce, audit, off" },
	{ "a system user is passed", { GROUP("a", ""), DEFAULT("") }, 999, DECISION_SYSTEM_USER, "", NULL },
	{ "a system user is passed whatever is broken",
	  { GROUP("a", NULL), DEFAULT(BROKEN) },
	  1,
	  DECISION_SYSTEM_USER,
	  "",
	  NULL },
	{ "a system user with a file of its own",
	  { USER(""), DEFAULT("") },
	  999,
	  DECISION_POLICY,
	  "user/alice.conf",
	  NULL },
	{ "a system user with a broken file",
	  { USER(BROKEN) },
	  999,
	  -EBADMSG,
	  "",
	  "user/alice.conf:1: mode: 'x' is none of enforce, audit, off" },
	{ "the first ordinary user", { DEFAULT("") }, 1000, DECISION_POLICY, "default.conf", NULL },
	{ "root without a file", { GROUP("a", NULL), DEFAULT("") }, 0, DECISION_NONE, "", NULL },
	{ "root with a file", { USER("") }, 0, DECISION_POLICY, "user/alice.conf", NULL },
	{ "root with a file for another service", { USER("services = login") }, 0, DECISION_ROOT, "", NULL },
	{ "a system user with a file for another service",
	  { USER("services = cron"), DEFAULT("") },
	  999,
	  DECISION_SYSTEM_USER,
	  "",
	  NULL },
	{ "a file for this service and address",
	  { USER("services = { login, sshd } from = { local, \"192.0.2.0/24\" }"), DEFAULT("") },
	  2000,
	  DECISION_POLICY,
	  "user/alice.conf",
	  NULL },
	{ "a file for another service is passed over",
	  { USER("services = cron"), GROUP("a", ""), DEFAULT("") },
	  2000,
	  DECISION_POLICY,
	  "group/a.conf",
	  NULL },
	{ "a file for another address is passed over",
	  { USER("from = { local, \"2001:db8::/32\" }"), DEFAULT("") },
	  2000,
	  DECISION_POLICY,
	  "default.conf",
	  NULL },
	{ "both must match",
	  { USER("services = sshd from = local"), GROUP("a", "services = cron from = \"192.0.2.1\""), DEFAULT("") },
	  2000,
	  DECISION_POLICY,
	  "default.conf",
	  NULL },
	{ "none that matches is none",
	  { USER("from = local"), DEFAULT("services = cron") },
	  2000,
	  DECISION_NONE,
	  "",
	  NULL },
	{ "a broken file refuses whatever its services",
	  { USER("services = cron mode = x"), DEFAULT("") },
	  2000,
	  -EBADMSG,
	  "",
	  "user/alice.conf:1: mode: 'x' is none of enforce, audit, off" },
	{ "of several groups the highest priority",
	  { GROUP("a", "priority = 1"), GROUP("b", "priority = 10"), GROUP("c", "priority = 9"), DEFAULT("") },
	  2000,
	  DECISION_POLICY,
	  "group/b.conf",
	  NULL },
	{ "no priority is 0",
	  { GROUP("a", "priority = -1"), GROUP("b", ""), GROUP("c", "priority = 0") },
	  2000,
	  DECISION_POLICY,
	  "group/b.conf",
	  NULL },
	{ "the highest that matches",
	  { GROUP("a", "priority = 1"), GROUP("b", "priority = 10 services = cron"), DEFAULT("priority = 100") },
	  2000,
	  DECISION_POLICY,
	  "group/a.conf",
	  NULL },
	{ "priority is nothing to a user's file",
	  { USER("priority = -5"), GROUP("b", "priority = 10") },
	  2000,
	  DECISION_POLICY,
	  "user/alice.conf",
	  NULL },
	{ "a broken group refuses whatever its priority",
	  { GROUP("a", "priority = 10"), GROUP("b", "priority = -10 " BROKEN) },
	  2000,
	  -EBADMSG,
	  "",
	  "group/b.conf:1: mode: 'x' is none of enforce, audit, off" },
	{ "nothing can be added to all",
	  { USER("\nservices += cron"), DEFAULT("") },
	  2000,
	  -EBADMSG,
	  "",
	  "user/alice.conf:2: services: '+=' adds to the list of a file that this one extends, and none has one; use "
	  "'='" },
};

static void the_first_candidate_decides_alone(void **state)
{
	(void)state;
	for (size_t i = 0; i < ELEMENTS(cases); i++) {
		_cleanup_free_ char *message = NULL, *file = NULL;
		int outcome;

		file = decide(cases[i].files, cases[i].uid, &outcome, &message);
		if (outcome != cases[i].outcome || strcmp(file, cases[i].file) != 0)
			fail_msg("%s: %d by \"%s\"", cases[i].what, outcome, file);
		if (cases[i].message)
			assert_string_equal(message, cases[i].message);
	}
}

/* Passing such a file over would leave the choice of the policy to the remote host's name server. */
static void a_remote_host_that_is_a_name_refuses_where_addresses_decide(void **state)
{
	struct candidate items[] = {
		candidate_of(CANDIDATE_USER, "user/alice.conf", "services = { sshd }\nfrom = { \"192.0.2.0/24\" }\n"),
		candidate_of(CANDIDATE_DEFAULT, "default.conf", "mode = off\n"),
	};
	const struct candidates candidates = { .items = items, .count = ELEMENTS(items) };
	struct login login = { .user = "alice", .uid = 2000, .service = "sshd", .from = "campus.example" };
	_cleanup_(policy_freep) struct policy *policy = NULL;
	_cleanup_free_ char *message = NULL;
	struct diagnostics diag = { 0 };

	(void)state;
	assert_int_equal(policy_decide(&candidates, &login, UID_MIN, &policy, &diag), -EBADMSG);
	message = diagnostic_format(diagnostics_first_error(&diag));
	assert_string_equal(message,
			    "user/alice.conf:2: from: the remote host came as the name 'campus.example', which is "
			    "no address, so nobody can say whether the file is for this login; sshd needs UseDNS no");
	diagnostics_release(&diag);
	login.service = "login";
	assert_int_equal(policy_decide(&candidates, &login, UID_MIN, &policy, &diag), DECISION_POLICY);
	assert_string_equal(policy->file, "default.conf");
	for (size_t i = 0; i < ELEMENTS(items); i++) {
		close_fd(items[i].fd);
		free(items[i].name);
	}
}

/* Whoever is isolated in some logins would in these write a unit, and have the manager of the others run it. */
static void a_file_refuses_the_user_manager_for_the_logins_that_it_is_for(void **state)
{
	static const struct {
		const char *text, *file;
	} rows[] = {
		{ "services = { sshd }", "user/alice.conf" },
		{ "from = { \"192.0.2.0/24\" }", "user/alice.conf" },
		{ "services = { sshd } user-manager = allow", "default.conf" },
		{ "services = { sshd } service \"systemd-user\" { user-manager = allow }", "default.conf" },
		{ "services = { sshd } mode = audit", "default.conf" },
		{ "services = { sshd } mode = off", "default.conf" },
	};
	const struct login login = { .user = "alice", .uid = 2000, .service = "systemd-user" };

	(void)state;
	for (size_t i = 0; i < ELEMENTS(rows); i++) {
		struct candidate items[] = {
			candidate_of(CANDIDATE_USER, "user/alice.conf", rows[i].text),
			candidate_of(CANDIDATE_DEFAULT, "default.conf", "mode = off\n"),
		};
		const struct candidates candidates = { .items = items, .count = ELEMENTS(items) };
		_cleanup_(policy_freep) struct policy *policy = NULL;
		struct diagnostics diag = { 0 };

		assert_int_equal(policy_decide(&candidates, &login, UID_MIN, &policy, &diag), DECISION_POLICY);
		if (strcmp(policy->file, rows[i].file) != 0)
			fail_msg("%s: decided by %s", rows[i].text, policy->file);
		diagnostics_release(&diag);
		for (size_t j = 0; j < ELEMENTS(items); j++) {
			close_fd(items[j].fd);
			free(items[j].name);
		}
	}
}

static void the_mode_is_the_callers_to_look_at(void **state)
{
	_cleanup_(policy_freep) struct policy *off = policy_of("mode = off"), *enforce = policy_of("");

	(void)state;
	assert_int_equal(off->mode, MODE_OFF);
	assert_int_equal(enforce->mode, MODE_ENFORCE);
}

/* Decides by one descriptor and returns what is said about it. */
static char *decide_by_fd(int fd)
{
	struct candidate candidate = { .kind = CANDIDATE_DEFAULT, .name = (char *)"default.conf", .fd = fd };
	struct candidates candidates = { .items = &candidate, .count = 1 };
	struct login login = { .user = "alice", .uid = 2000 };
	_cleanup_(policy_freep) struct policy *policy = NULL;
	struct diagnostics diag = { 0 };
	char *message = NULL;
	int r;

	r = policy_decide(&candidates, &login, UID_MIN, &policy, &diag);
	assert_true(r == DECISION_POLICY || r == -EBADMSG);
	if (r == -EBADMSG)
		message = diagnostic_format(&diag.items[0]);
	diagnostics_release(&diag);
	return message;
}

static void a_descriptor_is_read_from_its_start_and_judged_again(void **state)
{
	struct candidate good = candidate_of(CANDIDATE_DEFAULT, "default.conf", "mode = off");
	_cleanup_free_ char *directory = NULL, *huge = NULL, *pipe_text = NULL;
	_cleanup_close_ int fd = -1;
	int ends[2];

	(void)state;
	/* the offset is at the end of what was written, and reading does not move it */
	assert_null(decide_by_fd(good.fd));
	assert_int_equal(lseek(good.fd, 0, SEEK_CUR), strlen("mode = off"));
	assert_int_equal(ftruncate(good.fd, POLICY_FILE_MAX + 1), 0);
	huge = decide_by_fd(good.fd);
	assert_string_equal(huge, "default.conf: the file is too large for a policy");
	close_fd(good.fd);
	free(good.name);

	fd = open("/", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	directory = decide_by_fd(fd);
	assert_string_equal(directory, "default.conf: a policy is a regular file");
	assert_int_equal(pipe2(ends, O_CLOEXEC), 0);
	pipe_text = decide_by_fd(ends[0]);
	assert_string_equal(pipe_text, "default.conf: a policy is a regular file");
	close_fd(ends[0]);
	close_fd(ends[1]);
}

static uid_t uid_min_of(const char *text, int expected)
{
	char path[] = "/tmp/login.defs-XXXXXX";
	_cleanup_close_ int fd = mkstemp(path);
	uid_t uid_min = 4711;
	int r;

	assert_true(fd >= 0);
	assert_int_equal(write(fd, text, strlen(text)), strlen(text));
	r = login_defs_uid_min(path, &uid_min);
	assert_int_equal(unlink(path), 0);
	if (r != expected)
		fail_msg("\"%s\": %d instead of %d", text, r, expected);
	return uid_min;
}

static void uid_min_is_that_of_login_defs(void **state)
{
	uid_t uid_min = 0;

	(void)state;
	assert_int_equal(login_defs_uid_min("/nonexistent/login.defs", &uid_min), 0);
	assert_int_equal(uid_min, 1000);
	assert_int_equal(uid_min_of("", 0), 1000);
	assert_int_equal(uid_min_of("# UID_MIN 5\nSYS_UID_MIN 100\nUID_MIN_X 3\n", 0), 1000);
	assert_int_equal(uid_min_of("UID_MIN\t\t\t 500\nUID_MAX 60000\n", 0), 500);
	assert_int_equal(uid_min_of("  UID_MIN 0x1f4  \n", 0), 500);
	assert_int_equal(uid_min_of("UID_MIN 500\nUID_MIN 600", 0), 600);
	assert_int_equal(uid_min_of("UID_MIN\n", -EINVAL), 4711);
	assert_int_equal(uid_min_of("UID_MIN many\n", -EINVAL), 4711);
	assert_int_equal(uid_min_of("UID_MIN -1\n", -EINVAL), 4711);
	assert_int_equal(uid_min_of("UID_MIN 10x\n", -EINVAL), 4711);
	assert_int_equal(uid_min_of("UID_MIN 4294967296\n", -EINVAL), 4711);
	assert_int_equal(login_defs_uid_min("/dev/null", &uid_min), -EINVAL);
	assert_int_equal(login_defs_uid_min("/", &uid_min), -EINVAL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_first_candidate_decides_alone),
		cmocka_unit_test(a_file_refuses_the_user_manager_for_the_logins_that_it_is_for),
		cmocka_unit_test(the_mode_is_the_callers_to_look_at),
		cmocka_unit_test(a_remote_host_that_is_a_name_refuses_where_addresses_decide),
		cmocka_unit_test(a_descriptor_is_read_from_its_start_and_judged_again),
		cmocka_unit_test(uid_min_is_that_of_login_defs),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
