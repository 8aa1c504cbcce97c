/* SPDX-License-Identifier: BSD-3-Clause OR GPL-2.0-or-later */
#include "config/decide.h"
#include "tools/import_policy.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#define FILE_NAME "namespace.conf"
#define REFUSES   "; pam_namespace refuses every login for this line, unless it has ignore_config_error"
#define MOVED(path, from, to)                                                                                      \
	path ": is kept by backing = \"directory\", and is empty at first: after a user's first login, and while " \
	     "the user is logged out, move what is in " from " to /var/lib/nsisolate/UID/" to

struct outcome {
	int r;
	char *text;
	struct diagnostics diag;
};

static void outcome_release(struct outcome *outcome)
{
	free(outcome->text);
	diagnostics_release(&outcome->diag);
}

static struct outcome translate(const char *text, size_t size, const char *name, const char *script)
{
	_cleanup_(namespace_conf_release) struct namespace_conf conf = { 0 };
	const struct import import = { .conf = &conf, .name = name, .source = FILE_NAME, .script = script };
	struct outcome outcome = { 0 };

	outcome.r = namespace_conf_parse(FILE_NAME, text, size, &conf, &outcome.diag);
	if (outcome.r == 0)
		outcome.r = import_policy(&import, &outcome.text, &outcome.diag);
	return outcome;
}

/* Whatever it was made of. */
static void assert_clean(const char *text)
{
	_cleanup_(diagnostics_release) struct diagnostics diag = { 0 };

	assert_true(strlen(text) <= POLICY_FILE_MAX);
	assert_int_equal(policy_lint("default.conf", text, strlen(text), NULL, &diag), 0);
	if (diagnostics_failed(&diag))
		fail_msg("%s in\n%s", diag.count > 0 ? diag.items[0].text : "?", text);
}

/* What a line becomes; those of /tmp and /var/tmp are always there. */
static const struct {
	const char *line, *section;
} sections[] = {
	{ "/a /i/ user root", "\tprivate \"/a\" { backing = \"directory\" } # namespace.conf:1, method user\n" },
	{ "/a /i/ tmpdir root", "\tprivate \"/a\" { } # namespace.conf:1, method tmpdir\n" },
	{ "/a x tmpfs root", "\tprivate \"/a\" { } #" },
	{ "/a /i/ context root", "\tprivate \"/a\" { backing = \"directory\" } #" },
	{ "/a /i/ level root", "\tprivate \"/a\" { backing = \"directory\" } #" },
	{ " \t/a\t\v/i/  tmpfs\r", "\tprivate \"/a\" { } #" },
	{ "/a/// /i/ tmpfs", "\tprivate \"/a\" { } #" },
	{ "/a /i/ :tmpfs::noinit:", "\tprivate \"/a\" { } #" },
	{ "/\"a b\"c \"/i/\" tmp\"fs\"", "\tprivate \"/a bc\" { } #" },
	{ "/a\\ b\\c /i/ tmpfs", "\tprivate \"/a bc\" { } #" },
	{ "\"/a b /i/\" /i/ tmpfs", "\tprivate \"/a b /i\" { } #" },
	{ "/a\\", NULL },
	{ "\"/a /i/ tmpfs", NULL },
	{ "/a \"/#\" tmpfs", NULL },
	{ "/a /i/ tmpfs # user", "\tprivate \"/a\" { } #" },
	{ "/\303\244 /i/ tmpfs", "\tprivate \"/\303\244\" { } #" },
	{ "/a/$USER /i/ tmpfs", "\tprivate \"/a/%u\" { } #" },
	{ "/a/$USERS/$LOGNAME /i/ tmpfs", "\tprivate \"/a/%uS/$LOGNAME\" { } #" },
	{ "$HOME/.cache /i/ tmpfs", "\tprivate \"/home/%u/.cache\" { } #" },
	{ "/a/%u%% /i/ tmpfs", "\tprivate \"/a/%%u%%%%\" { } #" },
	{ "/a /i/ tmpfs:mntopts=size=1G,nr_inodes=10K,nosuid,nodev,mode=1777",
	  "\tprivate \"/a\" { size = \"1g\" inodes = \"10k\" } #" },
	{ "/a /i/ tmpfs:mntopts=size=1g:mntopts=nosuid", "\tprivate \"/a\" { } #" },
	{ "/a /i/ tmpfs:mntopts=size=1g:mntopts=", "\tprivate \"/a\" { } #" },
	{ "/a /i/ tmpfs:mntopts=size=4096", "\tprivate \"/a\" { size = \"4096\" } #" },
	{ "/a /i/ tmpfs:mntopts=size=50%", "\tprivate \"/a\" { } #" },
	{ "", NULL },
	{ "#/a /i/ tmpfs", NULL },
	{ "/a /i/ both", NULL },
	{ "/a /i/ TMPFS", NULL },
	{ "/a /i/ \"\"", NULL },
	{ "/a /i/ tmpfs ~", NULL },
	{ "/a /i/ tmpfs ~alice", NULL },
	{ "/a /i/ tmpfs alice", "\tprivate \"/a\" { } #" },
	{ "/a /i/ level:shared", NULL },
	{ "/a /i/ user:shared", "\tprivate \"/a\" { backing = \"directory\" } #" },
	{ "$HOME /i/ user", NULL },
	{ "$HOME/ /i/ user", NULL },
	{ "/ /i/ user", NULL },
	{ "/etc /i/ user", NULL },
	{ "/proc /i/ user", NULL },
	{ "/run/x /i/ user", NULL },
	{ "/tmp/x /i/ user", NULL },
	{ "/a\\\"b /i/ tmpfs", NULL },
	{ "/a\\\\b /i/ tmpfs", NULL },
	{ "/a\\nb /i/ tmpfs", NULL },
	{ "/a\\bb /i/ tmpfs", NULL },
	{ "/${a} /i/ tmpfs", NULL },
	{ "/$USER /i/ tmpfs", NULL },
};

static void test_a_line_becomes_a_section(void **state)
{
	(void)state;
	for (size_t i = 0; i < ELEMENTS(sections); i++) {
		_cleanup_(outcome_release) struct outcome outcome =
			translate(sections[i].line, strlen(sections[i].line), NULL, NULL);

		assert_int_equal(outcome.r, 0);
		assert_clean(outcome.text);
		if (sections[i].section && !strstr(outcome.text, sections[i].section))
			fail_msg("%s:\n%s", sections[i].line, outcome.text);
		if (!sections[i].section && !strstr(outcome.text, "\nmode = \"off\"\n"))
			fail_msg("%s:\n%s", sections[i].line, outcome.text);
	}
}

/* Beside /tmp and /var/tmp, so that each has just what is wrong with it. */
static const struct {
	const char *line, *finding;
} findings[] = {
	{ "/a /i/ tmpfs root", NULL },
	{ "/a /i/ tmpfs:noinit:mntopts=nosuid,size=1m root", NULL },
	{ "# /a", NULL },
	{ "\t \r", NULL },
	{ "/a /i/ user root", MOVED("/a", "/i/USER", "%2Fa") },
	{ "/a/%/$USER/ /i/%-$USER- user root", MOVED("/a/%/$USER/", "/i/%-USER-USER", "%2Fa%2F%25%2FUSER") },
	{ "/a", "/a: the field instance_prefix is missing behind it" REFUSES },
	{ "/a /i/", "/i/: the field method is missing behind it" REFUSES },
	{ "/a /i/ both root", "both: is none of the methods user, context, level, tmpdir, tmpfs" REFUSES },
	{ "a /i/ user root", "a: is no absolute path" REFUSES },
	{ "/a i/ user root", "i/: the instance prefix is no absolute path" REFUSES },
	{ "/a/../b /i/ user root", "/a/../b: has '..' in it" REFUSES },
	{ "/a ../ tmpfs root", "../: the instance prefix has '..' in it" REFUSES },
	{ "\"\" /i/ user root", "'': is no absolute path" REFUSES },
	{ "/a\377 /i/ user root", "/a\\xff: has control characters, or is not UTF-8: no policy can name it" },
	{ "/a /i/ tmpfs:nointi root",
	  "nointi: is none of create, noinit, iscript, shared, mntopts; pam_namespace ignores it, too" },
	{ "/a /i/ tmpdir:mntopts=size=1g root", "mntopts=size=1g: is for method tmpfs; pam_namespace ignores it, too" },
	{ "/a /i/ tmpfs:mntopts=noexec root",
	  "noexec: no mount option that a policy has: /a is root's, with mode 1777, nosuid and nodev" },
	{ "/a /i/ tmpfs:iscript=x root",
	  "iscript: /etc/security/namespace.d/x is not run: no login runs a script as root for a directory" },
	{ "/a /i/ tmpfs:iscript=/x:noinit root", NULL },
	{ "/a /i/ tmpfs:create=0700,alice root", "create=0700,alice: a directory that is missing is not made, and "
						 "refuses the login: make /a on the host, as by "
						 "tmpfiles.d(5)" },
	{ "/a /i/ level:shared root", "level:shared: users cannot share private directories by their SELinux context: "
				      "/a is left out, as pam_namespace "
				      "does where SELinux is off" },
	{ "/a /i/ tmpfs root adm", "adm: pam_namespace ignores what is behind the list of users, and so does this; "
				   "names in the list have commas "
				   "between them and no spaces" },
	{ "/a /i/ tmpfs adm,root,@staff",
	  "adm,@staff: exempt from /a: for each of them write what 'nsinspect import -u NAME' prints of the same FILE "
	  "to "
	  "user/NAME.conf, of a group @NAME to group/NAME.conf; users below UID_MIN pass without one" },
	{ "/a /i/ tmpfs ~adm", "adm: alone have a private /a: for each of them write what 'nsinspect import -u NAME' "
			       "prints of the same FILE to "
			       "user/NAME.conf, of a group @NAME to group/NAME.conf" },
	{ "/a /i/ tmpfs",
	  "root: has a private /a by this line; with nsisolate root passes unless there is a user/root.conf (nsinspect "
	  "import -u root), and so do users below UID_MIN without a file" },
	{ "/dev/shm /i/ tmpfs root", "/dev/shm: no private directory: '/dev/shm' is within /dev, which cannot be "
				     "private; ipc { isolate = true } gives "
				     "each session one of its own, and System V IPC and message queues with it" },
	{ "/tmp/a /i/ tmpfs root",
	  "/tmp/a: lies within /tmp, which is private and so has no such directory: left out" },
	{ "/tmp /i/ tmpfs root", NULL },
	{ "/${a} /i/ tmpfs root", "/${a}: left out: '${' is not expanded and not allowed, not even in a comment" },
};

static void test_what_is_not_translated_is_said(void **state)
{
	(void)state;
	for (size_t i = 0; i < ELEMENTS(findings); i++) {
		_cleanup_free_ char *text = NULL;

		/* /tmp stands behind it, so that it covers one before it */
		assert_true(asprintf(&text, "%s\n/var/tmp x tmpfs root\n%s", findings[i].line,
				     strncmp(findings[i].line, "/tmp ", 5) == 0 ? "" : "/tmp x tmpfs root") > 0);

		_cleanup_(outcome_release) struct outcome outcome = translate(text, strlen(text), NULL, NULL);

		assert_int_equal(outcome.r, 0);
		assert_clean(outcome.text);
		if (outcome.diag.count != (findings[i].finding ? 1 : 0))
			fail_msg("%s: %zu findings: %s", findings[i].line, outcome.diag.count,
				 outcome.diag.count > 0 ? outcome.diag.items[outcome.diag.count - 1].text : "");
		if (!findings[i].finding)
			continue;
		assert_string_equal(outcome.diag.items[0].text, findings[i].finding);
		assert_string_equal(outcome.diag.items[0].file, FILE_NAME);
		assert_int_equal(outcome.diag.items[0].line, 1);
	}
}

static const char lists[] = "/tmp /i/ tmpfs root,adm\n"
			    "/var/tmp /i/ tmpfs root,adm,bob\n"
			    "/a /i/ tmpfs ~carol,@staff\n"
			    "/a /j/ tmpdir ~carol\n";

static const struct {
	const char *name, *has[4], *lacks[4];
} files[] = {
	{ NULL, { "\"/tmp\" { }", "\"/var/tmp\" { }" }, { "\"/a\"", "mode = \"off\"" } },
	{ "adm", { "\nmode = \"off\"" }, { "\tprivate" } },
	{ "root", { "\nmode = \"off\"" }, { "\tprivate" } },
	{ "bob", { "\"/tmp\" { }", "\"/var/tmp\" { backing" }, { "\"/a\"" } },
	{ "carol", { "\"/tmp\" { }", "\"/a\" { } # namespace.conf:4, method tmpdir" }, { "namespace.conf:3" } },
	{ "@staff", { "\"/tmp\" { }", "\"/a\" { } # namespace.conf:3, method tmpfs" }, { "tmpdir" } },
	{ "staff", { "\"/tmp\" { }" }, { "\"/a\"" } },
};

static void test_each_name_has_the_lines_that_are_for_it(void **state)
{
	(void)state;
	for (size_t i = 0; i < ELEMENTS(files); i++) {
		_cleanup_(outcome_release) struct outcome outcome =
			translate(lists, strlen(lists), files[i].name, NULL);

		assert_int_equal(outcome.r, 0);
		assert_clean(outcome.text);
		for (size_t j = 0; j < ELEMENTS(files[i].has) && files[i].has[j]; j++)
			if (!strstr(outcome.text, files[i].has[j]))
				fail_msg("%s: no %s", files[i].name, files[i].has[j]);
		for (size_t j = 0; j < ELEMENTS(files[i].lacks) && files[i].lacks[j]; j++)
			if (strstr(outcome.text, files[i].lacks[j]))
				fail_msg("%s: %s", files[i].name, files[i].lacks[j]);
	}
}

static void test_a_script_that_is_run_for_every_directory_is_named_once(void **state)
{
	static const char text[] = "/tmp /i/ tmpfs:noinit root\n/var/tmp /i/ tmpfs root\n/a /i/ tmpfs root\n";
	_cleanup_(outcome_release) struct outcome outcome = translate(text, strlen(text), NULL, "/x/namespace.init");

	(void)state;
	assert_int_equal(outcome.r, 0);
	assert_int_equal(outcome.diag.count, 1);
	assert_int_equal(outcome.diag.items[0].line, 2);
	assert_true(strncmp(outcome.diag.items[0].text, "/x/namespace.init: is not run", 29) == 0);
}

static void test_a_directory_that_is_private_in_any_case_is_named(void **state)
{
	static const char text[] = "/tmp /i/ tmpfs root\n";
	_cleanup_(outcome_release) struct outcome outcome = translate(text, strlen(text), NULL, NULL);

	(void)state;
	assert_int_equal(outcome.diag.count, 1);
	assert_int_equal(outcome.diag.items[0].line, 0);
	assert_true(strncmp(outcome.diag.items[0].text, "/var/tmp: is shared", 19) == 0);
}

/* Within a longer text: it ends with no '\0'. */
static void put(char *at, const char *text)
{
	while (*text)
		*at++ = *text++;
}

static void test_zero_bytes_and_long_lines_are_left_out(void **state)
{
	static const char zero[] = "/a /i/\0 tmpfs root\n/b /i/ tmpfs root # \0\n";
	_cleanup_(outcome_release) struct outcome first = translate(zero, sizeof(zero) - 1, NULL, NULL);
	char line[8192];

	(void)state;
	assert_int_equal(first.r, 0);
	assert_null(strstr(first.text, "\"/a\""));
	assert_non_null(strstr(first.text, "\"/b\""));
	assert_int_equal(first.diag.items[0].line, 1);

	memset(line, 'x', sizeof(line));
	put(line, "/a /i/ tmpfs ");

	_cleanup_(outcome_release) struct outcome second = translate(line, sizeof(line), NULL, NULL);

	assert_int_equal(second.diag.count, 1);
	assert_non_null(strstr(second.diag.items[0].text, "longer than 4096 bytes"));
	/* one that a policy cannot hold */
	memset(line, ' ', sizeof(line));
	memset(line, 'x', 1200);
	line[0] = '/';
	put(line + 1300, "/i/ tmpfs root");

	_cleanup_(outcome_release) struct outcome third = translate(line, 2000, NULL, NULL);

	assert_int_equal(third.r, 0);
	assert_clean(third.text);
	assert_non_null(strstr(third.text, "mode = \"off\""));
	assert_int_equal(third.diag.count, 1);
}

static void test_too_many_directories_names_and_bytes_are_bounded(void **state)
{
	enum { ROOM = 300 * 1024 };
	_cleanup_free_ char *text = malloc(ROOM);
	char *end = text;

	(void)state;
	assert_non_null(text);
	for (unsigned i = 0; i <= NAMESPACE_CONF_DIRS_MAX; i++)
		end += sprintf(end, "/a%u /i/ tmpfs root\n", i);

	_cleanup_(outcome_release) struct outcome directories = translate(text, (size_t)(end - text), NULL, NULL);

	assert_int_equal(directories.r, -E2BIG);
	end = text;
	for (unsigned i = 0; i <= NAMESPACE_CONF_NAMES_MAX; i++)
		end += sprintf(end, "%su%u%s", i % 100 == 0 ? "/a /i/ tmpfs " : ",", i, i % 100 == 99 ? "\n" : "");

	_cleanup_(outcome_release) struct outcome names = translate(text, (size_t)(end - text), NULL, NULL);

	assert_int_equal(names.r, -E2BIG);
	end = text;
	for (unsigned i = 0; i < 150; i++)
		end += sprintf(end, "/%0800u /i/ tmpfs root\n", i);

	_cleanup_(outcome_release) struct outcome bytes = translate(text, (size_t)(end - text), NULL, NULL);

	assert_int_equal(bytes.r, 0);
	assert_clean(bytes.text);
	assert_non_null(strstr(bytes.diag.items[0].text, "the policy would be longer than 65536 bytes"));
}

static void test_a_long_list_is_named_in_full(void **state)
{
	char text[4096] = "/var/tmp /i/ tmpfs root\n/tmp /i/ tmpfs root", *end = text + strlen(text);
	size_t named = 0;

	(void)state;
	for (unsigned i = 0; i < 300; i++)
		end += sprintf(end, ",user%03u", i);

	_cleanup_(outcome_release) struct outcome outcome = translate(text, strlen(text), NULL, NULL);

	for (unsigned i = 0; i < 300; i++) {
		char name[16];

		(void)snprintf(name, sizeof(name), "user%03u", i);
		for (size_t j = 0; j < outcome.diag.count; j++)
			named += strstr(outcome.diag.items[j].text, name) != NULL;
	}
	assert_int_equal(named, 300);
	assert_true(outcome.diag.count < 10);
	for (size_t j = 0; j < outcome.diag.count; j++)
		assert_non_null(strstr(outcome.diag.items[j].text, "pass without one"));
}

/* Whatever is in the file, the checks of a policy find no error in what is made of it. */
static void test_whatever_is_read_the_policy_is_clean(void **state)
{
	static const char seed[] = "/tmp /i/ user:create=0700,a,b:iscript=x:shared root,adm # x\n"
				   "$HOME/%u \"/$USER.i\" tmpfs:mntopts=size=1G,nr_inodes=2k,noexec ~@g,\\t\n"
				   "/var/tmp/$USER /i/ level:noinit\n/a\"b\\\" c /i tmpdir\n${ ~ include /* // } {\n";
	static const char bytes[] = "/$#\"\\\n \t~,:=%{}*a\0\377\303\244.@\r\x1b";
	uint32_t random = 1;

	(void)state;
	for (unsigned round = 0; round < 1000; round++) {
		char text[sizeof(seed) - 1];

		memcpy(text, seed, sizeof(text));
		for (unsigned i = 0; i < 1 + round % 12; i++) {
			random = random * 1664525 + 1013904223;
			text[(random >> 8) % sizeof(text)] = bytes[(random >> 24) % (sizeof(bytes) - 1)];
		}

		_cleanup_(outcome_release) struct outcome outcome =
			translate(text, sizeof(text) - round % 7, round % 3 == 0 ? "@g" : NULL, NULL);

		assert_int_equal(outcome.r, 0);
		assert_clean(outcome.text);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_a_line_becomes_a_section),
		cmocka_unit_test(test_what_is_not_translated_is_said),
		cmocka_unit_test(test_each_name_has_the_lines_that_are_for_it),
		cmocka_unit_test(test_a_script_that_is_run_for_every_directory_is_named_once),
		cmocka_unit_test(test_a_directory_that_is_private_in_any_case_is_named),
		cmocka_unit_test(test_zero_bytes_and_long_lines_are_left_out),
		cmocka_unit_test(test_too_many_directories_names_and_bytes_are_bounded),
		cmocka_unit_test(test_a_long_list_is_named_in_full),
		cmocka_unit_test(test_whatever_is_read_the_policy_is_clean),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
