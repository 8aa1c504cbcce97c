/* SPDX-License-Identifier: BSD-3-Clause OR GPL-2.0-or-later */
#include "support.h"

#include <locale.h>
#include <string.h>

#define AT1 TEST_FILE ":1: "

static void syntax_that_is_right(void **state)
{
	static const char *const texts[] = {
		"",
		"\n\n",
		"# a comment",
		"// a comment\n/* another\n * one */ mode = \"off\"",
		"mode = off",
		"mode=off",
		"mode = 'off'\r\n",
		"network { mode = none } uts { isolate = true }",
		"network { }",
		"network { mode = none }\nnetwork { }",
		"mount { private /srv/data { size = 1 } }",
		"mount {\n\tprivate \"/srv\" {\n\t}\n}\n",
		"description = \"Étudiants: a|b, {c} = (d) # e // f /* g\"",
		"description = \"a \\\"quoted\\\" and a \\\\\"",
		"description = \"$HOME and $(x) stay as they are\"",
	};

	(void)state;
	for (size_t i = 0; i < ELEMENTS(texts); i++)
		assert_lint(texts[i], NULL);
}

static void syntax_that_is_wrong(void **state)
{
	static const struct {
		const char *text, *message;
	} cases[] = {
		{ "mode", AT1 "the file ends where '=' or '{' after the key is expected" },
		{ "mode =", AT1 "the file ends where a value is expected" },
		{ "mode = = off", AT1 "found '=' where a value is expected" },
		{ "mode off", AT1 "mode: '=' is missing before the value, or '{' after the title of a section" },
		{ "mode = off }", AT1 "'}' closes nothing" },
		{ "= off", AT1 "found '=' where a key is expected" },
		{ "mode = off, on", AT1 "found ',' where a key is expected" },
		{ "mode : off", AT1 "mode: '=' is missing before the value, or '{' after the title of a section" },
		{ "mode off\nnetwork { }",
		  AT1 "mode: '=' is missing before the value, or '{' after the title of a section" },
		{ "mode off\n| x", AT1 "mode: '=' is missing before the value, or '{' after the title of a section" },
		{ "mode\nnetwork { }", AT1 "mode: a value is expected, '=' after the key" },
		{ "mode\n", AT1 "the file ends where '=' or '{' after the key is expected" },
		{ "\nmode =\n \n# nothing\n", TEST_FILE ":2: the file ends where a value is expected" },
		{ "services = { a,\r\n\r\n", AT1 "the file ends where a value is expected" },
		{ "services = {\n\"a\"\n/* b\n */", TEST_FILE ":2: the file ends where ',' or '}' after the value is "
							      "expected" },
		{ "network { = off }", AT1 "found '=' where a key or '}' is expected" },
		{ "mode: off", AT1 "mode: found ':' after the key; write '=' before a value, '{' before what is in a "
				   "section" },
		{ "network:\n  mode: none",
		  AT1 "network: found ':' after the key; write '=' before a value, '{' before "
		      "what is in a section" },
		{ "mode = off;",
		  AT1 "found ';' where a key is expected; nothing ends a value, and a comment begins with #" },
		{ "[network]", AT1 "found '[' where a key is expected; a section is NAME { ... }" },
		{ "services = [ sshd ]", AT1 "found '[' where a value is expected; a list is { \"A\", \"B\" }" },
		{ "mode = \u201coff\u201d",
		  AT1 "found '\u201c' (U+201C) where a value is expected; quotes are \" or '" },
		{ "mode\u00a0= off", AT1 "found '\u00a0' (U+00A0) where '=' or '{' after the key is expected" },
		{ "\U0001f512 = off", AT1 "found '\U0001f512' (U+1F512) where a key is expected" },
		{ "mode = *off", AT1 "found '*' where a value is expected" },
		{ "mode + off", AT1 "found '+' where '=' or '{' after the key is expected" },
		{ "mode += off", AT1 "mode: '+=' is for lists; use '='" },
		{ "mode = { off }", AT1 "mode: found '{' where one value is expected" },
		{ "mode { }", AT1 "mode: a value is expected, '=' after the key" },
		{ "network = none", AT1 "network: a section is expected, '{' after its name" },
		{ "network none { }", AT1 "network: a section is expected, '{' after its name" },
		{ "mount { proc { } }", AT1 "mount.proc: a value is expected, '=' after the key" },
		{ "mount { private = x }", AT1 "mount.private: a section is expected, a title and '{' after its name" },
		{ "mount { private { } }", AT1 "mount.private: a title is expected, a quoted string after the key" },
		{ "services = { }", AT1 "services: an empty list sets nothing; leave the key out" },
		{ "services = { a b }", AT1 "found b where ',' or '}' after the value is expected" },
		{ "services = { a, }", AT1 "found '}' where a value is expected" },
		{ "network {", AT1 "the section network is never closed; a '}' is missing" },
		{ "\nmount {\nprivate /srv {\n}\n",
		  TEST_FILE ":2: the section mount is never closed; a '}' is missing" },
		{ "a { b { c { d { e { } } } } }", AT1 "more than 4 sections within each other" },
		{ "mode = \"off", AT1 "the string that begins with \"off is not closed on its line" },
		{ "mode = \"off\n\"", AT1 "the string that begins with \"off is not closed on its line" },
		{ "mode = 'off\\'", AT1 "the string that begins with 'off\\' is not closed on its line" },
		{ "/* mode = off", AT1 "the comment that begins here is never closed" },
		{ "mode = off /*/", AT1 "the comment that begins here is never closed" },
		{ "mode = a//b", AT1 "put quotes around a value that has '//' in it" },
		{ "include(\"x\")",
		  AT1 "found '(': there are no functions, and no file includes another; 'extends' builds on "
		      "one" },
		{ "include = \"x\"", AT1 "unknown key 'include': no file includes another; 'extends' builds on one" },
		{ "include \"x\"", AT1 "include: no file includes another; 'extends' builds on one" },
		{ "\"mode\" = off", AT1 "found \"mode\" where a key is expected" },
		{ "\"network|mode\" = none", AT1 "found \"network|mode\" where a key is expected" },
		{ "network|mode = none", AT1 "found '|' where '=' or '{' after the key is expected" },
		{ "network.mode = none", AT1 "unknown key 'network.mode'; write network { mode = ... }" },
		{ "\xef\xbb\xbfmode = off",
		  AT1 "the file begins with a byte order mark; save it as UTF-8 without one" },
	};

	(void)state;
	for (size_t i = 0; i < ELEMENTS(cases); i++)
		assert_lint(cases[i].text, cases[i].message);
}

#define KNOWN                                                                                                     \
	"; known here: description, notice, extends, priority, mode, services, from, service, scope, on-logout, " \
	"max-sessions, network, ipc, uts, pid, mount, "                                                           \
	"user-manager, user, cgroup, time, privileges, limits"

static void unknown_keys_get_a_suggestion(void **state)
{
	static const struct {
		const char *text, *message;
	} cases[] = {
		{ "mod = off", AT1 "unknown key 'mod'; did you mean 'mode'?" },
		{ "netwrok { }", AT1 "unknown key 'netwrok'; did you mean 'network'?" },
		{ "network { mdoe = none }", AT1 "unknown key 'mdoe' in network; did you mean 'mode'?" },
		{ "mount { private /srv { sizes = 1m } }",
		  AT1 "unknown key 'sizes' in mount.private; did you mean 'size'?" },
		{ "hostname = x", AT1 "unknown key 'hostname'; write uts { hostname = ... }" },
		{ "size = 1m", AT1 "unknown key 'size'; write mount { private \"PATH\" { size = ... } }" },
		{ "mount.private.size = 1m",
		  AT1 "unknown key 'mount.private.size'; write mount { private \"PATH\" { size = ... } }" },
		{ "mount.private /srv { }",
		  AT1 "unknown key 'mount.private'; write mount { private \"PATH\" { ... } }" },
		{ "network.mdoe = x", AT1 "unknown key 'network.mdoe'; write network { mode = ... }" },
		{ "network { network.mode = x }",
		  AT1 "unknown key 'network.mode' in network; write network { mode = ... }" },
		{ "Mode = off", AT1 "unknown key 'Mode'; keys are in lower case: 'mode'" },
		{ "NETWORK { mode = none }", AT1 "unknown key 'NETWORK'; keys are in lower case: 'network'" },
		{ "Netwrok { }", AT1 "unknown key 'Netwrok'; did you mean 'network'?" },
		{ "uts { Hostname = x }", AT1 "unknown key 'Hostname' in uts; keys are in lower case: 'hostname'" },
		{ "service x { service y { } }",
		  AT1 "unknown key 'service': it is for the whole file, and cannot be within service" },
		{ "network_mode = x", AT1 "unknown key 'network_mode'; write network { mode = ... }" },
		{ "network-mode = x", AT1 "unknown key 'network-mode'; write network { mode = ... }" },
		{ "mount_runtime-dir = x", AT1 "unknown key 'mount_runtime-dir'; write mount { runtime-dir = ... }" },
		{ "foo = x", AT1 "unknown key 'foo'" KNOWN },
		{ "foo-bar = x", AT1 "unknown key 'foo-bar'" KNOWN },
		{ "network { foo = x }", AT1 "unknown key 'foo' in network; known here: mode, name, pool, egress, "
					     "masquerade, connections, resolv-conf, hosts" },
		{ "mount { private /srv { foo = x } }",
		  AT1 "unknown key 'foo' in mount.private; known here: backing, size, inodes" },
		{ "service x { foo = x }",
		  AT1 "unknown key 'foo'; known here: description, notice, mode, scope, on-logout, "
		      "max-sessions, network, ipc, uts, pid, "
		      "mount, user-manager, user, cgroup, time, privileges, limits" },
		{ "\n\n# a\n/* b\n c */\nfoo = x", TEST_FILE ":6: unknown key 'foo'" KNOWN },
	};

	(void)state;
	for (size_t i = 0; i < ELEMENTS(cases); i++)
		assert_lint(cases[i].text, cases[i].message);
}

static void every_mistake_is_reported_at_its_line(void **state)
{
	static const char text[] = "Mode = {\n"
				   "\toff }\n"
				   "uts { hostname = a_b }\n"
				   "foo \"x\" {\n"
				   "\tbar = \"}\" isolate = maybe\n"
				   "}\n"
				   "network {\n"
				   "\tmode = loopbak\n"
				   "\tmoed = none\n"
				   "}\n"
				   "ipc { isolate = true }\n"
				   "ipc { isolate = yes }\n"
				   "scope += user pid = none\n"
				   "description = x\n";
	static const struct {
		unsigned line;
		const char *text;
	} expected[] = {
		{ 1, "unknown key 'Mode'; keys are in lower case: 'mode'" },
		{ 3, "uts.hostname: 'a_b' has '_' in it; letters, digits, '-' and expansions are allowed" },
		{ 4, "unknown key 'foo'" KNOWN },
		{ 8, "network.mode: 'loopbak' is none of host, none, loopback, named, veth, slirp; did you mean "
		     "'loopback'?" },
		{ 9, "unknown key 'moed' in network; did you mean 'mode'?" },
		{ 12, "ipc.isolate: given twice, first in line 11" },
		{ 12, "ipc.isolate: 'yes' is none of true, false; did you mean 'true'?" },
		{ 13, "scope: '+=' is for lists; use '='" },
		{ 13, "pid: a section is expected, '{' after its name" },
	};
	struct diagnostics diag = { 0 };

	(void)state;
	assert_int_equal(policy_lint(TEST_FILE, text, sizeof(text) - 1, NULL, &diag), 0);
	for (size_t i = 0; i < diag.count && i < ELEMENTS(expected); i++) {
		assert_string_equal(diag.items[i].text, expected[i].text);
		assert_int_equal(diag.items[i].line, expected[i].line);
	}
	assert_int_equal(diag.count, ELEMENTS(expected));
	diagnostics_release(&diag);
}

/* What is left once the wrong is out is no policy, however right it is. */
static void a_file_with_anything_wrong_is_refused(void **state)
{
	static const char *const texts[] = {
		"foo = 1", "mode = off foo = 1", "mode = off mode = off", "foo { } mode = off", "mode { } mode = off",
	};

	(void)state;
	for (size_t i = 0; i < ELEMENTS(texts); i++) {
		struct candidate candidate = candidate_of(CANDIDATE_USER, "user/alice.conf", texts[i]);
		struct candidates candidates = { .items = &candidate, .count = 1 };
		struct login login = { .user = "alice", .uid = 2000, .service = "sshd" };
		struct diagnostics diag = { 0 };
		struct policy *policy = NULL;

		assert_int_equal(policy_decide(&candidates, &login, 1000, &policy, &diag), -EBADMSG);
		assert_null(policy);
		assert_int_equal(diag.count, 1);
		diagnostics_release(&diag);
		close_fd(candidate.fd);
		free(candidate.name);
	}
}

static void a_key_or_section_twice_names_both_lines(void **state)
{
	(void)state;
	assert_lint("mode = off\n# x\nmode = off", TEST_FILE ":3: mode: given twice, first in line 1");
	assert_lint("network {\nmode = none\n}\nnetwork {\nmode = none\n}",
		    TEST_FILE ":5: network.mode: given twice, first in line 2");
	assert_lint("mount { private /srv {\nsize = 1m\nsize = 2m\n} }",
		    TEST_FILE ":3: mount.private.size: given twice, first in line 2");
	assert_lint("mount {\nprivate /srv { }\nprivate /srv { }\n}",
		    TEST_FILE ":3: mount.private: '/srv' is given twice, first in line 2");
	assert_lint("mount {\nprivate /srv {\nsize = 1m\n}\nprivate /srv/ { }\n}",
		    TEST_FILE ":5: mount.private: '/srv' is given twice, first in line 2");
	assert_lint("mount { private /srv { size = 1m } private /opt { size = 1m } }", NULL);
}

static void nothing_outside_the_file_reaches_a_value(void **state)
{
	(void)state;
	assert_int_equal(setenv("FOO", "off", 1), 0);
	assert_lint("mode = \"${FOO}\"", AT1 "'${' is not expanded and not allowed, not even in a comment");
	assert_lint("mode = ${FOO}", AT1 "'${' is not expanded and not allowed, not even in a comment");
	assert_lint("\n# ${FOO}", TEST_FILE ":2: '${' is not expanded and not allowed, not even in a comment");
	assert_lint("mode = \"$FOO\"", AT1 "mode: '$FOO' is none of enforce, audit, off");
	assert_lint("mode = $FOO", AT1 "found '$' where a value is expected");
	assert_lint("mode = \"~root\"", AT1 "'~' is not expanded; write the whole path");
	assert_lint("mode = ~root", AT1 "'~' is not expanded; write the whole path");
	assert_lint("mount { private '~/x' { } }", AT1 "'~' is not expanded; write the whole path");
	assert_int_equal(unsetenv("FOO"), 0);
}

static void no_escape_makes_another_byte(void **state)
{
	static const char *const escapes[] = { "\\x00", "\\x41", "\\0", "\\101", "\\n", "\\e", "\\t", "\\q", "\\\n" };

	(void)state;
	for (size_t i = 0; i < ELEMENTS(escapes); i++) {
		char text[64];

		(void)snprintf(text, sizeof(text), "description = \"a%sb\"", escapes[i]);
		assert_lint(text, AT1 "a '\\' may stand only before '\\' or \" in a string");
		(void)snprintf(text, sizeof(text), "description = 'a%sb'", escapes[i]);
		assert_lint(text, AT1 "a '\\' may stand only before '\\' or ' in a string");
	}
}

static void bytes_that_are_no_text_are_refused(void **state)
{
	static const char nul[] = "mode = \"off\"\n\0network { mode = host }\n";
	struct diagnostics diag = { 0 };
	char long_line[2000];

	(void)state;
	assert_int_equal(policy_lint(TEST_FILE, nul, sizeof(nul) - 1, NULL, &diag), 0);
	assert_int_equal(diag.count, 1);
	assert_int_equal(diag.items[0].line, 2);
	assert_string_equal(diag.items[0].text, "byte 0x00 is no printable character of UTF-8");
	diagnostics_release(&diag);

	assert_lint("# \x1b[31m", AT1 "byte 0x1b is no printable character of UTF-8");
	assert_lint("# \xff", AT1 "byte 0xff is no printable character of UTF-8");
	assert_lint("# \xc2\x9b", AT1 "byte 0xc2 is no printable character of UTF-8");
	assert_lint("mode =\roff", AT1 "byte 0x0d is no printable character of UTF-8");
	assert_lint("description = \"a\tb\"", AT1 "a control character in a string");
	memset(long_line, '#', sizeof(long_line));
	long_line[sizeof(long_line) - 1] = '\0';
	assert_lint(long_line, AT1 "a line of 1999 bytes; at most 1024 are allowed");
}

/* libconfuse has one lexer for the whole process, which remembers where a broken file left it */
static void a_broken_file_does_not_poison_the_next(void **state)
{
	static const char *const broken[] = {
		"mode = \"off",
		"mode = 'off",
		"/* x",
		"network {",
		"mode = off }",
		"foo = 1",
		"network { foo = 1 }",
		"mode = {",
		"services = { \"a\"",
		"services = { \"a\" \"b\" }",
		"mount { private \"/srv\" { foo = 1 } }",
		"mode += \"off\" description = \"",
		"mode = off mode = off",
		"include(",
	};

	(void)state;
	for (size_t i = 0; i < ELEMENTS(broken); i++) {
		_cleanup_(policy_freep) struct policy *policy = NULL;
		_cleanup_free_ char *message = lint(broken[i]);

		assert_non_null(message);
		assert_lint("mode = \"of\"", AT1 "mode: 'of' is none of enforce, audit, off; did you mean 'off'?");
		policy = policy_of("network { mode = \"none\" }");
		assert_int_equal(policy->network.mode, NETWORK_NONE);
	}
}

static void lines_are_counted_over_comments_and_sections(void **state)
{
	static const char text[] = "# one\n"
				   "#### two\n"
				   "/* three\n"
				   "   four */ // still four\n"
				   "mode = enforce # five\n"
				   "network { /* six\n"
				   " seven */ mode = none }\n"
				   "mount {\n"
				   "\tprivate /srv { # nine\n"
				   "\t\tsize = 1m\n"
				   "\t}\n"
				   "\tproc = session\n"
				   "}\n"
				   "user-manager =\n"
				   "refuse\n";
	_cleanup_(policy_freep) struct policy *policy = policy_of(text);

	(void)state;
	assert_int_equal(policy->mount.private_count, 3);
	assert_string_equal(policy->mount.private[0].path, "/srv");
	assert_int_equal(policy->mount.private[0].origin.line, 9);
	assert_int_equal(policy->mount.private[0].size_origin.line, 10);
	assert_lint("# a\n# b\n/* c\n*/\nmode = x", TEST_FILE ":5: mode: 'x' is none of enforce, audit, off");
}

static void messages_do_not_depend_on_the_locale(void **state)
{
	(void)state;
	(void)setlocale(LC_ALL, "C.UTF-8");
	assert_int_equal(setenv("LANGUAGE", "fr", 1), 0);
	assert_lint("foo = 1", AT1 "unknown key 'foo'" KNOWN);
	assert_int_equal(unsetenv("LANGUAGE"), 0);
	(void)setlocale(LC_ALL, "C");
}

static void hostile_files_end_soon(void **state)
{
	size_t size = POLICY_FILE_MAX;
	_cleanup_free_ char *text = malloc(size + 1);

	(void)state;
	assert_non_null(text);
	for (size_t i = 0; i < size; i++)
		text[i] = i % 2 ? '\n' : '{';
	text[size] = '\0';
	assert_lint(text, AT1 "found '{' where a key is expected");
	for (size_t i = 0; i < size; i++)
		text[i] = i % 2 ? '\n' : '}';
	assert_lint(text, AT1 "'}' closes nothing");
	memset(text, '\n', size);
	assert_lint(text, NULL);
	/* thousands of titled sections */
	strcpy(text, "mount{\n");
	for (unsigned i = 0; strlen(text) < size - 100; i++)
		sprintf(text + strlen(text), "private/s%u{}\n", i);
	strcat(text, "}\n");
	free(lint(text));
}

/* `before`, then the numbers below `count`, each between `left` and `right`, then `after`; malloced. */
static char *repeat(const char *before, unsigned count, const char *left, const char *right, const char *after)
{
	char *text = NULL;
	size_t size;
	FILE *out = open_memstream(&text, &size);

	assert_non_null(out);
	fputs(before, out);
	for (unsigned i = 0; i < count; i++)
		fprintf(out, "%s%u%s", left, i, right);
	fputs(after, out);
	assert_int_equal(fclose(out), 0);
	return text;
}

static void lists_and_files_have_a_greatest_length(void **state)
{
	static const struct {
		const char *before, *left, *right, *after;
		unsigned most;
		const char *message;
	} cases[] = {
		{ "services = { a", ",\nb", "", " }", 255, TEST_FILE ":257: services: a list has at most 256 values" },
		{ "from = { local", ",\nfe80::1:", "", " }", 255,
		  TEST_FILE ":257: from: a list has at most 256 values" },
		{ "", "service s", " { }\n", "", 500, TEST_FILE ":501: more than 500 sections in a file" },
		{ "mount {\n", "private /s", " { }\n", "}", 499, TEST_FILE ":501: more than 500 sections in a file" },
		{ "", "ipc { } # ", "\n", "", 500, TEST_FILE ":501: more than 500 sections in a file" },
	};

	(void)state;
	for (size_t i = 0; i < ELEMENTS(cases); i++) {
		for (unsigned count = cases[i].most; count < 3000; count += count == cases[i].most ? 1 : 1000) {
			_cleanup_free_ char *text =
				repeat(cases[i].before, count, cases[i].left, cases[i].right, cases[i].after);

			assert_lint(text, count == cases[i].most ? NULL : cases[i].message);
		}
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(syntax_that_is_right),
		cmocka_unit_test(syntax_that_is_wrong),
		cmocka_unit_test(unknown_keys_get_a_suggestion),
		cmocka_unit_test(every_mistake_is_reported_at_its_line),
		cmocka_unit_test(a_file_with_anything_wrong_is_refused),
		cmocka_unit_test(a_key_or_section_twice_names_both_lines),
		cmocka_unit_test(nothing_outside_the_file_reaches_a_value),
		cmocka_unit_test(no_escape_makes_another_byte),
		cmocka_unit_test(bytes_that_are_no_text_are_refused),
		cmocka_unit_test(a_broken_file_does_not_poison_the_next),
		cmocka_unit_test(lines_are_counted_over_comments_and_sections),
		cmocka_unit_test(messages_do_not_depend_on_the_locale),
		cmocka_unit_test(hostile_files_end_soon),
		cmocka_unit_test(lists_and_files_have_a_greatest_length),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
