/* SPDX-License-Identifier: BSD-3-Clause OR GPL-2.0-or-later */
/* Files that build on others, in a policy directory of the test's own. */
#include "support.h"

#include "config/explain.h"
#include "config/keys.h"

#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>

#define FILES_MAX 12

static char directory[] = "/tmp/nsisolate-test-XXXXXX";
static struct policy_root root = { .open = true, .flags = FIND_ANY_OWNER };

struct file {
	const char *name, *text;
};

static int set_up(void **state)
{
	(void)state;
	strcpy(directory + strlen(directory) - 6, "XXXXXX");
	if (!mkdtemp(directory))
		return -1;
	root.fd = open(directory, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	root.flags = FIND_ANY_OWNER;
	return root.fd < 0 || mkdirat(root.fd, "user", 0755) < 0 || mkdirat(root.fd, "group", 0755) < 0 ? -1 : 0;
}

static int tear_down(void **state)
{
	_cleanup_free_ char *command = NULL;

	(void)state;
	root.fd = close_fd(root.fd);
	if (asprintf(&command, "rm -rf '%s'", directory) < 0)
		return -1;
	return system(command);
}

static void make_file(const char *name, const char *text)
{
	_cleanup_close_ int fd = openat(root.fd, name, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);

	assert_true(fd >= 0);
	assert_int_equal(write(fd, text, strlen(text)), strlen(text));
	make_old(fd);
}

static void make_files(const struct file *files)
{
	for (size_t i = 0; i < FILES_MAX && files[i].name; i++)
		make_file(files[i].name, files[i].text);
}

static void clear(const struct file *files)
{
	for (size_t i = 0; i < FILES_MAX && files[i].name; i++)
		assert_int_equal(unlinkat(root.fd, files[i].name, 0), 0);
}

/* What a login of alice's by `service` gets when files[0] is her only candidate. */
static int decide(const struct file *files, const char *service, struct policy **ret, struct diagnostics *diag)
{
	struct candidate candidate = { .kind = CANDIDATE_GROUP, .name = (char *)files[0].name, .fd = -1 };
	struct candidates candidates = { .items = &candidate, .count = 1, .root = root };
	struct login login = { .user = "alice", .uid = 2000, .service = service, .from = "192.0.2.1" };
	int r;

	candidate.fd = openat(root.fd, files[0].name, O_RDONLY | O_CLOEXEC);
	assert_true(candidate.fd >= 0);
	r = policy_decide(&candidates, &login, 1000, ret, diag);
	close_fd(candidate.fd);
	return r;
}

static int append_line(const char *key, const char *value, const struct origin *origin, void *data)
{
	if (origin->file)
		assert_true(fprintf(data, "%s=%s %s:%u\n", key, value, origin->file, origin->line) > 0);
	return 0;
}

/* Every value that a file gave, with its file and line. */
static char *given_values(const struct policy *policy)
{
	char *text = NULL;
	size_t size;
	FILE *stream = open_memstream(&text, &size);

	assert_non_null(stream);
	assert_int_equal(policy_foreach_value(policy, append_line, stream), 0);
	assert_int_equal(fclose(stream), 0);
	return text;
}

static const struct {
	const char *what;
	struct file files[FILES_MAX];
	const char *values;
} merges[] = {
	{ "the nearer key wins",
	  { { "group/a.conf", "extends = \"group/b.conf\"\nnetwork { mode = none }" },
	    { "group/b.conf", "mode = off\nnetwork {\nmode = host\n}\nipc { isolate = false }" } },
	  "mode=off group/b.conf:1\nnetwork.mode=none group/a.conf:2\nipc.isolate=false group/b.conf:5\n" },
	{ "over several files, in every place",
	  { { "user/alice.conf", "extends = base" },
	    { "base.conf", "uts { hostname = two }\nextends = \"default.conf\"" },
	    { "default.conf", "mode = off\n\nuts { domainname = three hostname = three }" } },
	  "mode=off default.conf:1\nuts.hostname=two base.conf:1\nuts.domainname=three default.conf:3\n" },
	{ "inside titled sections, by the directory that they are for",
	  { { "group/a.conf", "extends = group/b mount {\nprivate \"/tmp/\" {\nsize = 1m\n}\n}" },
	    { "group/b.conf", "mount {\nprivate /tmp { size = 2m\ninodes = 2k }\nprivate /srv { }\n}" } },
	  "mount.private \"/tmp\".size=1m group/a.conf:3\nmount.private \"/tmp\".inodes=2k group/b.conf:3\n" },
	{ "a key may be given to be the default again",
	  { { "group/a.conf", "extends = b mode = enforce" }, { "b.conf", "mode = off" } },
	  "mode=enforce group/a.conf:1\n" },
	{ "a rank is not inherited",
	  { { "group/a.conf", "extends = group/b" }, { "group/b.conf", "priority = 7 mode = off" } },
	  "mode=off group/b.conf:1\n" },
	{ "whom it is for is",
	  { { "group/a.conf", "extends = b" }, { "b.conf", "services = sshd\nfrom = \"192.0.2.0/24\"" } },
	  "services={\"sshd\"} b.conf:1\nfrom={\"192.0.2.0/24\"} b.conf:2\n" },
	{ "a list replaces",
	  { { "group/a.conf", "extends = b services = { sshd, login }" }, { "b.conf", "services = { cron, su }" } },
	  "services={\"sshd\", \"login\"} group/a.conf:1\n" },
	{ "or adds",
	  { { "group/a.conf", "extends = b services += { sshd, cron, login }" },
	    { "b.conf", "extends = c\nservices += su" },
	    { "c.conf", "services = cron" } },
	  "services={\"cron\", \"su\", \"sshd\", \"login\"} group/a.conf:1\n" },
	/* in one order, however they were added */
	{ "sets",
	  { { "group/a.conf", "extends = b privileges { drop-capabilities += { cap_chown, CAP_SYS_BOOT } }" },
	    { "b.conf", "privileges { drop-capabilities = { cap_sys_boot, cap_kill } }" } },
	  "privileges.drop-capabilities={\"cap_chown\", \"cap_kill\", \"cap_sys_boot\"} group/a.conf:1\n" },
	{ "all is all",
	  { { "group/a.conf", "extends = b privileges { drop-capabilities += all }" },
	    { "b.conf", "privileges { drop-capabilities = { cap_sys_boot, cap_kill } }" } },
	  "privileges.drop-capabilities={\"all\"} group/a.conf:1\n" },
	{ "and replaces what was added",
	  { { "group/a.conf", "extends = b services = sshd" },
	    { "b.conf", "extends = c services += su" },
	    { "c.conf", "services = cron" } },
	  "services={\"sshd\"} group/a.conf:1\n" },
	{ "two checks that hold only together",
	  { { "group/a.conf", "extends = b mount { proc = hidepid }" }, { "b.conf", "pid { isolate = false }" } },
	  "pid.isolate=false b.conf:1\nmount.proc=hidepid group/a.conf:1\n" },
	{ "eight files below",
	  { { "group/a.conf", "extends = b1" },
	    { "b1.conf", "extends = b2" },
	    { "b2.conf", "extends = b3" },
	    { "b3.conf", "extends = b4" },
	    { "b4.conf", "extends = b5" },
	    { "b5.conf", "extends = b6" },
	    { "b6.conf", "extends = b7" },
	    { "b7.conf", "extends = b8" },
	    { "b8.conf", "mode = off" } },
	  "mode=off b8.conf:1\n" },
};

static void files_are_merged_key_by_key(void **state)
{
	(void)state;
	for (size_t i = 0; i < ELEMENTS(merges); i++) {
		_cleanup_(policy_freep) struct policy *policy = NULL;
		_cleanup_free_ char *values = NULL;
		struct diagnostics diag = { 0 };
		size_t sources = 0;

		make_files(merges[i].files);
		if (decide(merges[i].files, "sshd", &policy, &diag) != DECISION_POLICY)
			fail_msg("%s: %s", merges[i].what, diag.count > 0 ? diag.items[0].text : "no policy");
		values = given_values(policy);
		if (strcmp(values, merges[i].values) != 0)
			fail_msg("%s:\n%s", merges[i].what, values);
		assert_string_equal(policy->file, merges[i].files[0].name);
		for (; sources < FILES_MAX && merges[i].files[sources].name; sources++)
			assert_string_equal(policy->sources[sources], merges[i].files[sources].name);
		assert_null(policy->sources[sources]);
		diagnostics_release(&diag);
		clear(merges[i].files);
	}
}

/* Values and lines for a login by sshd and by cron. */
static const struct {
	struct file files[FILES_MAX];
	const char *sshd, *cron;
} services[] = {
	{ { { "group/a.conf", "mode = off\nservice cron {\nmode = enforce\n}" } },
	  "mode=off group/a.conf:1\n",
	  "mode=enforce group/a.conf:3\n" },
	{ { { "group/a.conf",
	      "service cron { mode = off }\nservice sshd { network { mode = none } }\nuts { hostname = a }" } },
	  "network.mode=none group/a.conf:2\nuts.hostname=a group/a.conf:3\n",
	  "mode=off group/a.conf:1\nuts.hostname=a group/a.conf:3\n" },
	{ { { "group/a.conf", "service cron {\nmount { private /tmp {\nsize = 1m } private /srv { size = 2m }\n} }\n"
			      "mount { private \"/tmp\" { size = 3m\ninodes = 3k } }" } },
	  "mount.private \"/tmp\".size=3m group/a.conf:5\nmount.private \"/tmp\".inodes=3k group/a.conf:6\n",
	  "mount.private \"/srv\".size=2m group/a.conf:3\nmount.private \"/tmp\".size=1m group/a.conf:3\n"
	  "mount.private \"/tmp\".inodes=3k group/a.conf:6\n" },
	/* after all files, and of several the nearest */
	{ { { "group/a.conf", "extends = b\nmode = enforce" },
	    { "b.conf", "extends = c\nservice cron { mode = off }" },
	    { "c.conf", "service cron {\nmode = enforce\nnetwork { mode = none } }" } },
	  "mode=enforce group/a.conf:2\n",
	  "mode=off b.conf:2\nnetwork.mode=none c.conf:3\n" },
	/* what holds together in each */
	{ { { "group/a.conf", "service cron { pid { isolate = false } mount { proc = hidepid } }" } },
	  "",
	  "pid.isolate=false group/a.conf:1\nmount.proc=hidepid group/a.conf:1\n" },
};

static void assert_values(const struct file *files, const char *service, const char *expected)
{
	_cleanup_(policy_freep) struct policy *policy = NULL;
	_cleanup_free_ char *values = NULL;
	struct diagnostics diag = { 0 };

	if (decide(files, service, &policy, &diag) != DECISION_POLICY)
		fail_msg("%s: %s", files[0].text, diag.count > 0 ? diag.items[0].text : "no policy");
	values = given_values(policy);
	assert_string_equal(values, expected);
	diagnostics_release(&diag);
}

static void a_service_section_overrides_for_its_service(void **state)
{
	(void)state;
	for (size_t i = 0; i < ELEMENTS(services); i++) {
		make_files(services[i].files);
		assert_values(services[i].files, "sshd", services[i].sshd);
		assert_values(services[i].files, "cron", services[i].cron);
		clear(services[i].files);
	}
}

static void mistakes_in_a_service_section_are_found(void **state)
{
	static const struct {
		const char *text, *message;
	} cases[] = {
		{ "service cron { }", NULL },
		{ "service cron { mode = off } service login { mode = off }\nmode = enforce", NULL },
		{ "network { mode = none }\nservice cron { network { mode = none } ipc { isolate = true } }", NULL },
		{ "service cron {\nmode = of\n}",
		  TEST_FILE ":2: mode: 'of' is none of enforce, audit, off; did you mean 'off'?" },
		{ "service Cron { }", TEST_FILE ":1: service: 'Cron': PAM has names of services in lower case" },
		{ "service \"a/b\" { }",
		  TEST_FILE ":1: service: 'a/b' is no name of a PAM service: letters, digits and -_.+@: are allowed" },
		{ "service { }", TEST_FILE ":1: service: a title is expected, a quoted string after the key" },
		{ "service cron { }\nservice cron { }",
		  TEST_FILE ":2: service: 'cron' is given twice, first in line 1" },
		{ "service cron {\nmode = off\nmode = off\n}", TEST_FILE ":3: mode: given twice, first in line 2" },
		{ "service cron { mount {\nprivate /srv { }\nprivate /srv { }\n} }",
		  TEST_FILE ":3: mount.private: '/srv' is given twice, first in line 2" },
		{ "mount { private /srv { } }\nservice cron { mount {\nprivate /srv { }\nprivate /srv { }\n} }",
		  TEST_FILE ":4: mount.private: '/srv' is given twice, first in line 3" },
		{ "service cron { mount {\nprivate /srv { }\n} }\nmount { private /srv { }\nprivate /srv { } }",
		  TEST_FILE ":5: mount.private: '/srv' is given twice, first in line 4" },
		{ "service cron { mount {\nprivate /srv { }\nprivate /srv/ { }\n} }",
		  TEST_FILE ":3: mount.private: '/srv' is given twice, first in line 2" },
		{ "service cron {\nextends = b }",
		  TEST_FILE ":2: unknown key 'extends': it is for the whole file, and cannot be within service" },
		{ "service cron { services = cron }",
		  TEST_FILE ":1: unknown key 'services': it is for the whole file, and cannot be within service" },
		{ "service cron { from = local }",
		  TEST_FILE ":1: unknown key 'from': it is for the whole file, and cannot be within service" },
		{ "service cron { priority = 1 }",
		  TEST_FILE ":1: unknown key 'priority': it is for the whole file, and cannot be within service" },
		{ "service cron { service sshd { } }",
		  TEST_FILE ":1: unknown key 'service': it is for the whole file, and cannot be within service" },
		/* only that service is refused, but a lint says so */
		{ "\nservice cron { uts { isolate = false\nhostname = x } }",
		  TEST_FILE ":3: uts.hostname: means nothing with uts.isolate = false; remove one of them" },
	};

	(void)state;
	for (size_t i = 0; i < ELEMENTS(cases); i++)
		assert_lint(cases[i].text, cases[i].message);
}

static void a_policy_in_several_files_hashes_like_the_one_in_one(void **state)
{
	static const struct file files[FILES_MAX] = { { "group/a.conf", "extends = b network { mode = none }" },
						      { "b.conf", "network { mode = host } ipc { isolate = false }" } };
	_cleanup_(policy_freep) struct policy *policy = NULL,
					      *one = policy_of("network { mode = none } ipc { isolate = false }");
	struct diagnostics diag = { 0 };

	(void)state;
	make_files(files);
	assert_int_equal(decide(files, "sshd", &policy, &diag), DECISION_POLICY);
	assert_true(policy->hash == one->hash);
}

#define NO_FILE " is no file of the policy directory: NAME.conf, user/NAME.conf or group/NAME.conf"
#define A300    "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa" A75 A75 A75
#define A75     "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"

static const struct {
	struct file files[FILES_MAX];
	const char *message;
} errors[] = {
	{ { { "group/a.conf", "\nextends = \"group/b.conf\"" } },
	  "group/a.conf:2: extends: there is no 'group/b.conf' in the policy directory" },
	{ { { "group/a.conf", "extends = \"../a\"" } }, "group/a.conf:1: extends: '../a'" NO_FILE },
	{ { { "group/a.conf", "extends = \"/etc/passwd\"" } }, "group/a.conf:1: extends: '/etc/passwd'" NO_FILE },
	{ { { "group/a.conf", "extends = \"group/../../x\"" } }, "group/a.conf:1: extends: 'group/../../x'" NO_FILE },
	{ { { "group/a.conf", "extends = \"other/x\"" } }, "group/a.conf:1: extends: 'other/x'" NO_FILE },
	{ { { "group/a.conf", "extends = \"group/.x\"" } }, "group/a.conf:1: extends: 'group/.x'" NO_FILE },
	{ { { "group/a.conf", "extends = \"./x\"" } }, "group/a.conf:1: extends: './x'" NO_FILE },
	{ { { "group/a.conf", "extends = \"group/\"" } }, "group/a.conf:1: extends: 'group/'" NO_FILE },
	{ { { "group/a.conf", "extends = \".conf\"" } }, "group/a.conf:1: extends: '.conf'" NO_FILE },
	{ { { "group/a.conf", "extends = \"\"" } }, "group/a.conf:1: extends: ''" NO_FILE },
	{ { { "group/a.conf", "extends = \"" A300 "\"" } }, "group/a.conf:1: extends: '" A300 "'" NO_FILE },
	{ { { "group/a.conf", "extends = { b, c }" } },
	  "group/a.conf:1: extends: found '{' where one value is expected" },
	{ { { "group/a.conf", "extends = group/a" } },
	  "group/a.conf:1: extends: group/a.conf -> group/a.conf is a loop" },
	{ { { "group/a.conf", "extends = group/b" }, { "group/b.conf", "\nextends = group/a" } },
	  "group/a.conf:1: extends: group/a.conf -> group/b.conf -> group/a.conf is a loop" },
	{ { { "group/a.conf", "extends = b" }, { "b.conf", "\nextends = c" }, { "c.conf", "extends = b" } },
	  "b.conf:2: extends: b.conf -> c.conf -> b.conf is a loop" },
	{ { { "group/a.conf", "extends = b1" },
	    { "b1.conf", "extends = b2" },
	    { "b2.conf", "extends = b3" },
	    { "b3.conf", "extends = b4" },
	    { "b4.conf", "extends = b5" },
	    { "b5.conf", "extends = b6" },
	    { "b6.conf", "extends = b7" },
	    { "b7.conf", "extends = b8" },
	    { "b8.conf", "extends = b9" },
	    { "b9.conf", "" } },
	  "group/a.conf:1: extends: group/a.conf -> b1.conf -> b2.conf -> b3.conf -> b4.conf -> b5.conf -> b6.conf -> "
	  "b7.conf -> b8.conf -> b9.conf is too deep: a file builds on at most 8 others" },
	{ { { "group/a.conf", "extends = b" }, { "b.conf", "\n\nmode = x" } },
	  "b.conf:3: mode: 'x' is none of enforce, audit, off" },
	{ { { "group/a.conf", "extends = b" }, { "b.conf", "mode = \"" } },
	  "b.conf:1: the string that begins with \" is not closed on its line" },
	{ { { "group/a.conf", "extends = b" }, { "b.conf", "\nuts { isolate = false hostname = x }" } },
	  "b.conf:2: uts.hostname: means nothing with uts.isolate = false; remove one of them" },
	{ { { "group/a.conf", "extends = b uts { hostname = x }" }, { "b.conf", "\nuts { isolate = false }" } },
	  "group/a.conf:1: uts.hostname: means nothing with uts.isolate = false; remove one of them" },
	/* one who builds on a network can do without it, but not half */
	{ { { "group/a.conf", "extends = b network { mode = named }" }, { "b.conf", "network { mode = host }" } },
	  "group/a.conf:1: network.mode: 'named' needs network { name = \"NAME\" } as well, a network namespace of ip "
	  "netns add NAME" },
	{ { { "group/a.conf", "extends = b network { name = course }" }, { "b.conf", "" } },
	  "group/a.conf:1: network.name: means nothing with network.mode = 'loopback', it goes with 'named'; remove "
	  "one "
	  "of them" },
	{ { { "group/a.conf", "extends = b" }, { "b.conf", "\nservices += sshd" } },
	  "b.conf:2: services: '+=' adds to the list of a file that this one extends, and none has one; use '='" },
	{ { { "group/a.conf", "extends = b services = cron" }, { "b.conf", "from += local" } },
	  "b.conf:1: from: '+=' adds to the list of a file that this one extends, and none has one; use '='" },
};

static void mistakes_name_the_file_that_they_are_in(void **state)
{
	(void)state;
	for (size_t i = 0; i < ELEMENTS(errors); i++) {
		_cleanup_(policy_freep) struct policy *policy = NULL;
		_cleanup_free_ char *message = NULL;
		struct diagnostics diag = { 0 };

		make_files(errors[i].files);
		if (decide(errors[i].files, "sshd", &policy, &diag) != -EBADMSG)
			fail_msg("should be refused: %s", errors[i].message);
		assert_null(policy);
		message = diagnostic_format(diagnostics_first_error(&diag));
		assert_string_equal(message, errors[i].message);
		diagnostics_release(&diag);
		clear(errors[i].files);
	}
}

static void an_extended_file_is_judged_like_any_other(void **state)
{
	static const struct file files[FILES_MAX] = { { "group/a.conf", "extends = base" }, { "base.conf", "" } };
	_cleanup_(policy_freep) struct policy *policy = NULL;
	_cleanup_free_ char *message = NULL;
	struct diagnostics diag = { 0 };

	(void)state;
	make_files(files);
	assert_int_equal(fchmodat(root.fd, "base.conf", 0666, 0), 0);
	root.flags = 0;
	assert_int_equal(decide(files, "sshd", &policy, &diag), -EBADMSG);
	message = diagnostic_format(&diag.items[0]);
	if (geteuid() == 0)
		assert_string_equal(message, "base.conf: writable by group or others (mode 0666); chmod go-w it");
	diagnostics_release(&diag);

	root.flags = FIND_ANY_OWNER;
	assert_int_equal(unlinkat(root.fd, "base.conf", 0), 0);
	assert_int_equal(symlinkat("group/a.conf", root.fd, "base.conf"), 0);
	free(message);
	assert_int_equal(decide(files, "sshd", &policy, &diag), -EBADMSG);
	message = diagnostic_format(&diag.items[0]);
	assert_string_equal(message, "base.conf: a symbolic link; a policy is a regular file");
	diagnostics_release(&diag);
}

static void without_a_directory_nothing_is_extended(void **state)
{
	(void)state;
	assert_lint("extends = base", TEST_FILE ":1: extends: there is no policy directory to find 'base.conf' in");
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(files_are_merged_key_by_key),
		TEST(a_policy_in_several_files_hashes_like_the_one_in_one),
		TEST(mistakes_name_the_file_that_they_are_in),
		TEST(an_extended_file_is_judged_like_any_other),
		TEST(a_service_section_overrides_for_its_service),
		cmocka_unit_test(mistakes_in_a_service_section_are_found),
		cmocka_unit_test(without_a_directory_nothing_is_extended),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
