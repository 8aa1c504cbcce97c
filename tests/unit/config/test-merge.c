/* SPDX-License-Identifier: BSD-3-Clause OR GPL-2.0-or-later */
#include "support.h"

#include "config/explain.h"
#include "config/keys.h"

#include <string.h>

#define AT1 TEST_FILE ":1: "
#define A16 "aaaaaaaaaaaaaaaa"
#define A64 A16 A16 A16 A16
#define GIVE_UP_MOUNTS \
	"ipc { isolate = false } pid { isolate = false } mount { isolate = false proc = host runtime-dir = host }"

static int append_line(const char *key, const char *value, const struct origin *origin, void *data)
{
	assert_null(origin->file);
	assert_int_equal(origin->line, 0);
	assert_true(fprintf(data, "%s=%s\n", key, value) > 0);
	return 0;
}

/* A default never changes within a major version: this text is the promise. */
static void an_empty_file_enforces_the_defaults(void **state)
{
	static const char expected[] = "notice=\n"
				       "priority=0\n"
				       "mode=enforce\n"
				       "services=\n"
				       "from=\n"
				       "scope=session\n"
				       "on-logout=kill\n"
				       "max-sessions=64\n"
				       "network.mode=loopback\n"
				       "network.name=\n"
				       "network.pool=\n"
				       "network.egress=\n"
				       "network.masquerade=false\n"
				       "network.connections=1k\n"
				       "network.resolv-conf=session\n"
				       "network.hosts=session\n"
				       "ipc.isolate=true\n"
				       "uts.isolate=true\n"
				       "uts.hostname=%h\n"
				       "uts.domainname=\n"
				       "pid.isolate=true\n"
				       "mount.isolate=true\n"
				       "mount.propagation=slave\n"
				       "mount.proc=session\n"
				       "mount.private \"/tmp\".backing=tmpfs\n"
				       "mount.private \"/tmp\".size=512m\n"
				       "mount.private \"/tmp\".inodes=128k\n"
				       "mount.private \"/var/tmp\".backing=tmpfs\n"
				       "mount.private \"/var/tmp\".size=512m\n"
				       "mount.private \"/var/tmp\".inodes=128k\n"
				       "mount.hide=\n"
				       "mount.read-only=\n"
				       "mount.homes=all\n"
				       "mount.homes-roots={\"/home\"}\n"
				       "mount.hide-engines=true\n"
				       "mount.runtime-dir=private\n"
				       "user-manager=refuse\n"
				       "user.map=none\n"
				       "cgroup.isolate=false\n"
				       "time.isolate=false\n"
				       "time.boottime-offset=0\n"
				       "privileges.no-new-privileges=false\n"
				       "privileges.drop-capabilities=\n"
				       "limits.memory=infinity\n"
				       "limits.tasks=infinity\n"
				       "limits.cpu-weight=100\n";
	_cleanup_(policy_freep) struct policy *policy = policy_of(""), *built_in = NULL;
	_cleanup_free_ char *text = NULL;
	size_t size;
	FILE *stream = open_memstream(&text, &size);

	(void)state;
	assert_non_null(stream);
	assert_int_equal(policy_foreach_value(policy, append_line, stream), 0);
	assert_int_equal(fclose(stream), 0);
	assert_string_equal(text, expected);
	assert_int_equal(policy_new_default(TEST_FILE, &built_in), 0);
	assert_true(built_in->hash == policy->hash);
	/* the hash is in records of live sessions: it may not change by accident */
	assert_int_equal(policy->hash, UINT64_C(0xb191f51e141eccfe));
	assert_string_equal(policy->file, TEST_FILE);
	assert_string_equal(policy->sources[0], TEST_FILE);
	assert_null(policy->sources[1]);
}

static int stop_at_once(const char *key, const char *value, const struct origin *origin, void *data)
{
	(void)key;
	(void)value;
	(void)origin;
	++*(int *)data;
	return 7;
}

static void a_walk_stops_when_told(void **state)
{
	_cleanup_(policy_freep) struct policy *policy = policy_of("");
	int calls = 0;

	(void)state;
	assert_int_equal(policy_foreach_value(policy, stop_at_once, &calls), 7);
	assert_int_equal(calls, 1);
}

static void the_hash_is_of_values_and_not_of_how_they_were_written(void **state)
{
	static const struct {
		const char *a, *b;
		bool same;
	} cases[] = {
		{ "", "mode = enforce", true },
		{ "mode = enforce", "# a comment\n\n\nmode = \"enforce\" description = \"x\"", true },
		{ "mount { private /srv { size = 1024k } }", "mount { private \"/srv/\" { size = 1m } }", true },
		{ "mount { private /a { } private /b { } }", "mount { private /b { } private /a { } }", true },
		{ "services = { sshd } from = { local } priority = 7", "", true },
		{ "uts { isolate = true } ipc { isolate = false }", "ipc { isolate = false } uts { isolate = true }",
		  true },
		{ "mount { private /tmp { } }", "", true },
		{ "", "mode = off", false },
		{ "mount { private /srv { } }", "", false },
		{ "mount { private /tmp { size = 64m } }", "", false },
		{ "uts { hostname = a }", "uts { domainname = a }", false },
	};

	(void)state;
	for (size_t i = 0; i < ELEMENTS(cases); i++) {
		_cleanup_(policy_freep) struct policy *a = policy_of(cases[i].a), *b = policy_of(cases[i].b);

		assert_true((a->hash == b->hash) == cases[i].same);
	}
}

static void a_private_section_adds_or_overrides_by_path(void **state)
{
	_cleanup_(policy_freep) struct policy *policy =
		policy_of("mount {\nprivate \"/tmp/\" {\nsize = 64m\n}\nprivate /srv/x { }\n}");

	(void)state;
	assert_int_equal(policy->mount.private_count, 3);
	assert_string_equal(policy->mount.private[0].path, "/srv/x");
	assert_int_equal(policy->mount.private[0].origin.line, 5);
	assert_int_equal(policy->mount.private[0].size, 512 << 20);
	assert_null(policy->mount.private[0].size_origin.file);
	assert_string_equal(policy->mount.private[1].path, "/tmp");
	assert_int_equal(policy->mount.private[1].size, 64 << 20);
	assert_int_equal(policy->mount.private[1].size_origin.line, 3);
	assert_string_equal(policy->mount.private[1].size_origin.file, TEST_FILE);
	assert_int_equal(policy->mount.private[1].inodes, 128 << 10);
	assert_int_equal(policy->mount.private[1].origin.line, 2);
	assert_string_equal(policy->mount.private[2].path, "/var/tmp");
	assert_null(policy->mount.private[2].origin.file);
}

static void origins_name_the_line_or_nothing(void **state)
{
	_cleanup_(policy_freep) struct policy *policy = policy_of("\nnetwork {\n mode = none\n}");

	(void)state;
	assert_string_equal(policy->origins[KEY_NETWORK_MODE].file, TEST_FILE);
	assert_int_equal(policy->origins[KEY_NETWORK_MODE].line, 3);
	assert_null(policy->origins[KEY_MODE].file);
}

static void what_does_not_hold_together_names_the_remedy(void **state)
{
	static const struct {
		const char *text, *message;
	} cases[] = {
		{ "pid { isolate = false }", AT1 "pid.isolate: 'false' needs mount { proc = \"hidepid\" } or \"host\" "
						 "as well: there are no PIDs of the "
						 "session's own" },
		{ "pid { isolate = false } mount { proc = host }", AT1
		  "pid.isolate: 'false': processes that the user leaves running outlive the session and its record" },
		{ "pid { isolate = false } mount { proc = hidepid }", AT1
		  "pid.isolate: 'false': processes that the user leaves running outlive the session and its record" },
		{ "mount { proc = hidepid }", NULL },
		{ "mount { proc = host }", AT1
		  "mount.proc: 'host' with pid.isolate = true: /proc and /proc/self go by the host's PIDs, so that ps "
		  "and whatever looks itself up there fail in the session; leave mount.proc out" },
		{ GIVE_UP_MOUNTS, AT1
		  "pid.isolate: 'false': processes that the user leaves running outlive the session and its record" },
		{ "mount { isolate = false }",
		  AT1 "mount.isolate: 'false' needs ipc { isolate = false } and pid { isolate = false } and mount { "
		      "proc = \"host\" } "
		      "and mount { runtime-dir = \"host\" } as well, or leave mount.isolate out" },
		{ "pid { isolate = false } mount { isolate = false proc = host runtime-dir = host }",
		  AT1 "mount.isolate: 'false' needs ipc { isolate = false } as well, or leave mount.isolate out" },
		{ "ipc { isolate = false } mount { isolate = false proc = host runtime-dir = host }",
		  AT1 "mount.isolate: 'false' needs pid { isolate = false } as well, or leave mount.isolate out" },
		{ "ipc { isolate = false } pid { isolate = false } mount { isolate = false runtime-dir = host }",
		  AT1 "mount.isolate: 'false' needs mount { proc = \"host\" } as well, or leave mount.isolate out" },
		{ "ipc { isolate = false } pid { isolate = false } mount { isolate = false proc = host }", AT1
		  "mount.isolate: 'false' needs mount { runtime-dir = \"host\" } as well, or leave mount.isolate out" },
		{ GIVE_UP_MOUNTS " mount { private /srv { } }",
		  AT1 "mount.private \"/srv\": needs mount.isolate = true; remove the section or mount.isolate" },
		{ GIVE_UP_MOUNTS " mount { propagation = slave }",
		  AT1 "mount.propagation: means nothing with mount.isolate = false; remove one of them" },
		{ "time { boottime-offset = 60 }",
		  AT1 "time.boottime-offset: means nothing with time.isolate = false; remove one of them" },
		{ GIVE_UP_MOUNTS " mount { hide = { /srv } }",
		  AT1 "mount.hide: means nothing with mount.isolate = false; remove one of them" },
		{ GIVE_UP_MOUNTS " mount { read-only = { /srv } }",
		  AT1 "mount.read-only: means nothing with mount.isolate = false; remove one of them" },
		{ "mount { private /tmp { backing = directory } }", NULL },
		{ "mount { private /tmp { backing = directory size = 1g } }",
		  AT1 "mount.private \"/tmp\".size: means nothing with backing = \"directory\", which quotas of the "
		      "file system "
		      "limit; remove one of them" },
		{ "mount { private /tmp { inodes = 1k backing = directory } }", AT1
		  "mount.private \"/tmp\".inodes: means nothing with backing = \"directory\", which quotas of the file "
		  "system limit; remove one of them" },
		{ "mount { private /srv/" A64 "/" A64 "/" A64 "/" A64 " { } }", NULL },
		{ "mount { private /srv/" A64 "/" A64 "/" A64 "/" A64 " { backing = directory } }",
		  AT1 "mount.private: '/srv/" A64 "/" A64 "/" A64 "/" A64
		      "' is too long to be kept in a directory: 274 bytes "
		      "with each / as three, and at most 255" },
		{ "mount { bind /opt/x { source = /srv/x } }", NULL },
		{ "mount { bind /opt/x { } }",
		  AT1 "mount.bind \"/opt/x\": needs a source, the directory that is seen there" },
		{ "mount { bind /etc { source = /srv } }",
		  AT1 "mount.bind: '/etc' would hide /etc/security/nsisolate, which logins inside the session need" },
		{ "mount { bind /run/x { source = /srv } }",
		  AT1 "mount.bind: '/run/x' is within /run, which cannot be covered" },
		{ "mount { bind /srv { source = /opt/a } bind /srv/ { source = /opt/b } }",
		  AT1 "mount.bind: '/srv' is given twice, first in line 1" },
		{ "mount { bind /srv { source = /opt } private /srv { } }",
		  AT1 "mount.bind: '/srv' is a directory of mount.private as well; remove one of them" },
		{ "mount { bind /tmp/x { source = /opt } }",
		  AT1 "mount.bind: '/tmp/x' lies below '/tmp', which mount.private covers; remove one of them" },
		{ "mount { bind /opt/x { source = /srv/all/x } hide = { /srv/all } }", NULL },
		{ "mount { bind /opt/x { source = /srv } hide = { /srv/exams } }",
		  AT1 "mount.bind: '/opt/x' would show '/srv/exams', which mount.hide covers, since its source is "
		      "'/srv'; take a "
		      "source that does not hold it" },
		{ "mount { bind /opt/x { source = /var } }", AT1 "mount.bind: '/opt/x' would show '/var/lib/incus', "
								 "which mount.hide-engines covers, since its source is "
								 "'/var'; take a source that does not hold it" },
		{ "mount { bind /opt/x { source = /srv } read-only = { /opt } }",
		  AT1 "mount.bind: '/opt/x' is to be written in below '/opt', which mount.read-only covers; give it "
		      "read-only = "
		      "true, or remove one of them" },
		{ "mount { bind /opt/x { source = /srv read-only = true } read-only = { /opt } }", NULL },
		{ GIVE_UP_MOUNTS " mount { bind /opt/x { source = /srv } }",
		  AT1 "mount.bind \"/opt/x\": needs mount.isolate = true; remove the section or mount.isolate" },
		{ GIVE_UP_MOUNTS " mount { hide-engines = true }",
		  AT1 "mount.hide-engines: means nothing with mount.isolate = false; remove one of them" },
		{ GIVE_UP_MOUNTS " mount { hide-engines = false }", AT1
		  "pid.isolate: 'false': processes that the user leaves running outlive the session and its record" },
		{ "mount { hide = { /run/docker, /var/lib } read-only = { /run/podman/x } }", NULL },
		{ "mount { hide = { /srv, /opt/x } read-only = { /etc, /var, /srv-x } }", NULL },
		{ "mount { hide = { /srv/a } read-only = { /srv } private /srv/b { } }", NULL },
		{ "mount { hide = { /srv } private /srv/x { } }",
		  AT1 "mount.private: '/srv/x' lies below '/srv', which mount.hide covers; remove one of them" },
		{ "mount { hide = { /srv, /srv/x } }",
		  AT1 "mount.hide: '/srv/x' lies below '/srv', which mount.hide covers; remove one of them" },
		{ "mount { hide = { /srv } read-only = { -/srv/x } }",
		  AT1 "mount.read-only: '/srv/x' lies below '/srv', which mount.hide covers; remove one of them" },
		{ "mount { hide = { /tmp/x } }",
		  AT1 "mount.hide: '/tmp/x' lies below '/tmp', which mount.private covers; remove one of them" },
		{ "mount { hide = { /var/tmp } }",
		  AT1 "mount.hide: '/var/tmp' is a directory of mount.private as well; remove one of them" },
		{ "mount { hide = { /srv } read-only = { /srv } }",
		  AT1 "mount.read-only: '/srv' is a directory of mount.hide as well; remove one of them" },
		{ "mount { homes = own }", NULL },
		{ "mount { homes = own homes-roots = { /srv/homes, -/home2 } }", NULL },
		{ "mount { homes = own private \"/home/%u/.cache\" { } read-only = { \"/home/%u/lib\" } }", NULL },
		{ "mount { homes = own read-only = { /srv } homes-roots += { /srv/homes } }", NULL },
		{ "mount { homes-roots = { /srv } }", AT1
		  "mount.homes-roots: means nothing with mount.homes = \"all\"; remove it, or say homes = \"own\"" },
		{ "mount { homes = own homes-roots = { /home, -/home/a } }",
		  AT1 "mount.homes-roots: '/home/a' lies below '/home', which mount.homes-roots covers; remove one of "
		      "them" },
		{ "mount { homes = own hide = { /home } }",
		  AT1 "mount.homes-roots: '/home' is a directory of mount.hide as well; remove one of them" },
		{ "mount { homes = own homes-roots = { /srv/x } hide = { /srv } }",
		  AT1 "mount.homes-roots: '/srv/x' lies below '/srv', which mount.hide covers; remove one of them" },
		{ "mount { homes = own bind /opt/x { source = /home } }",
		  AT1 "mount.bind: '/opt/x' would show '/home', which mount.homes-roots covers, since its source is "
		      "'/home'; take a source that does not hold it" },
		{ "mount { homes = own bind /opt/x { source = /home/shared } }", NULL },
		{ GIVE_UP_MOUNTS " mount { homes = own }",
		  AT1 "mount.homes: means nothing with mount.isolate = false; remove one of them" },
		{ "on-logout = wait scope = user", NULL },
		{ "on-logout = wait",
		  AT1 "on-logout: 'wait' with scope = \"session\": what the user leaves running goes on where no later "
		      "login of theirs gets to; add scope = \"user\"" },
		{ "on-logout = wait scope = user pid { isolate = false } mount { proc = hidepid }",
		  AT1 "on-logout: 'wait' needs pid.isolate = true: without PIDs of its own nobody knows when the last "
		      "process of a session has ended" },
		{ "uts { isolate = false hostname = a }",
		  AT1 "uts.hostname: means nothing with uts.isolate = false; remove one of them" },
		{ "network { hosts = session }\n" GIVE_UP_MOUNTS,
		  AT1 "network.hosts: 'session' needs mount.isolate = true; write \"host\" or leave one of them out" },
		{ "network { resolv-conf = \"/etc/x\" }\n" GIVE_UP_MOUNTS, AT1
		  "network.resolv-conf: '/etc/x' needs mount.isolate = true; write \"host\" or leave one of them out" },
		{ "network { mode = named name = course }", NULL },
		{ "network { mode = named }", AT1
		  "network.mode: 'named' needs network { name = \"NAME\" } as well, a network namespace of ip netns "
		  "add NAME" },
		{ "network { name = course }",
		  AT1 "network.name: means nothing with network.mode = 'loopback', it goes with 'named'; remove one of "
		      "them" },
		{ "network { mode = none name = course }", AT1
		  "network.name: means nothing with network.mode = 'none', it goes with 'named'; remove one of them" },
		{ "network { mode = named name = course } service ftp { }", NULL },
		{ "network { mode = slirp }", NULL },
		{ "network { mode = slirp egress = { any } }", AT1 "network.egress: means nothing with network.mode = "
								   "'slirp', it goes with 'veth'; remove one of them" },
		{ "network { mode = slirp pool = { \"10.99.0.0/16\" } }", AT1
		  "network.pool: means nothing with network.mode = 'slirp', it goes with 'veth'; remove one of them" },
		{ "network { mode = slirp masquerade = true }", AT1
		  "network.masquerade: means nothing with network.mode = 'slirp', it goes with 'veth'; remove one of "
		  "them" },
		{ "network { mode = slirp name = course }", AT1
		  "network.name: means nothing with network.mode = 'slirp', it goes with 'named'; remove one of them" },
		{ "uts { isolate = false domainname = a }",
		  AT1 "uts.domainname: means nothing with uts.isolate = false; remove one of them" },
	};

	(void)state;
	for (size_t i = 0; i < ELEMENTS(cases); i++)
		assert_lint(cases[i].text, cases[i].message);
}

static void without_mounts_nothing_is_private(void **state)
{
	_cleanup_(policy_freep) struct policy *policy = policy_of(GIVE_UP_MOUNTS);

	(void)state;
	assert_int_equal(policy->mount.private_count, 0);
	assert_false(policy->mount.isolate);
}

static void a_lint_reports_every_value_at_once(void **state)
{
	static const char text[] = "mode = x\nnetwork { mode = y }\nmount { private /srv { size = 0 } }\n";
	struct diagnostics diag = { 0 };

	(void)state;
	assert_int_equal(policy_lint(TEST_FILE, text, strlen(text), NULL, &diag), 0);
	assert_int_equal(diag.count, 3);
	assert_int_equal(diag.items[2].line, 3);
	diagnostics_release(&diag);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(an_empty_file_enforces_the_defaults),
		cmocka_unit_test(a_walk_stops_when_told),
		cmocka_unit_test(the_hash_is_of_values_and_not_of_how_they_were_written),
		cmocka_unit_test(a_private_section_adds_or_overrides_by_path),
		cmocka_unit_test(origins_name_the_line_or_nothing),
		cmocka_unit_test(what_does_not_hold_together_names_the_remedy),
		cmocka_unit_test(without_mounts_nothing_is_private),
		cmocka_unit_test(a_lint_reports_every_value_at_once),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
