/* SPDX-License-Identifier: BSD-3-Clause OR GPL-2.0-or-later */
/* What a lint warns of although it can be done. */
#include "support.h"

#include <string.h>

#define AT1 TEST_FILE ":1: "
#define AT2 TEST_FILE ":2: "
#define TMP(key, is) \
	"mount.private \"/tmp\"." key ": '" is "' is too small for what editors, compilers and scripts put there; "
#define FTP(mode, service) \
	"network.mode: '" mode "': data connections do not reach the clients of " service "; it needs 'host'"
#define SSHD                                                                                                         \
	"network.mode: 'none': X11 forwarding and ssh -L to the session's own loopback fail in logins by sshd, for " \
	"lo "                                                                                                        \
	"is down; 'loopback' has it up"

#define WITHOUT(name) "privileges.drop-capabilities: without '" name "': "
#define SUDO          "sudo and su fail in the session"
#define NESTED        "a login from inside the session, as by sudo, of a user whom a policy isolates is refused"

static const struct {
	const char *text, *message;
} cases[] = {
	{ "mount { private \"/tmp\" { size = \"16m\" inodes = 1000 } }", NULL },
	{ "mount { private \"/tmp\" {\nsize = \"16383k\" } }", AT2 TMP("size", "16383k") "give it 16m or more" },
	{ "mount { private \"/tmp/\" {\ninodes = 999 } }", AT2 TMP("inodes", "999") "give it 1000 or more" },
	{ "mount { private \"/var/tmp\" { size = 1m inodes = 10 } }", NULL },
	{ "mode = off mount { private \"/tmp\" { size = 1m } }", NULL },
	{ "mode = audit mount { private \"/tmp\" { size = 1m } }", AT1 TMP("size", "1m") "give it 16m or more" },
	{ "service su { mount { private \"/tmp\" { size = 1m } } }", AT1 TMP("size", "1m") "give it 16m or more" },

	{ "\nservices = { sshd, vsftpd }", AT2 FTP("loopback", "vsftpd") },
	{ "services = { proftpd }\nnetwork { mode = none }", AT2 FTP("none", "proftpd") },
	{ "services = { pure-ftpd } network { mode = loopback }", AT1 FTP("loopback", "pure-ftpd") },
	{ "services = { ftp }", AT1 FTP("loopback", "ftp") },
	{ "services = { vsftpd } network { mode = slirp }", AT1 FTP("slirp", "vsftpd") },
	{ "services = { vsftpd } network { mode = veth pool = { \"10.99.0.0/16\" } egress = { any } }",
	  AT1 FTP("veth", "vsftpd") },
	{ "services = { vsftpd } network { mode = named name = course }", NULL },
	{ "services = { vsftpd } network { mode = host }", NULL },
	{ "services = { sshd, vsftpd } service vsftpd { network { mode = host } }", NULL },
	{ "service vsftpd {\nnetwork { mode = none } }", AT2 FTP("none", "vsftpd") },
	{ "service vsftpd { mount { proc = hidepid } }", TEST_FILE ": " FTP("loopback", "vsftpd") },
	{ "services = { cron } service vsftpd { network { mode = none } }", NULL },
	{ "services = { vsftpd } mode = off", NULL },
	{ "services = { vsftpd } service vsftpd { mode = off }", NULL },
	{ "network { mode = loopback }", NULL },

	{ "services = { sshd }\nnetwork { mode = none }", AT2 SSHD },
	{ "service sshd {\nnetwork { mode = none } }", AT2 SSHD },
	{ "services = { sshd } network { mode = loopback }", NULL },
	{ "services = { cron } network { mode = none }", NULL },
	{ "network { mode = none }", NULL },

	{ "time { isolate = true\nboottime-offset = -1 }", AT2
	  "time.boottime-offset: is negative: as long as the machine has not been up for so many seconds, logins are "
	  "refused" },
	{ "time { isolate = true boottime-offset = 1 }", NULL },
	{ "user { map = identity }\nnetwork { mode = host }", AT1
	  "user.map: 'identity' with network.mode = \"host\": ping fails in the session, and so does whatever needs "
	  "rights over the network, as root by sudo too" },
	{ "user { map = identity }\nnetwork { mode = named name = lab }", AT1
	  "user.map: 'identity' with network.mode = \"named\": ping fails in the session, and so does whatever needs "
	  "rights over the network, as root by sudo too" },
	{ "user { map = identity } network { mode = slirp }", NULL },

	{ "privileges {\nno-new-privileges = true }", AT2
	  "privileges.no-new-privileges: 'true': sudo, su, ping, crontab and all that gains rights by a set-user-ID "
	  "bit or by capabilities of its file fail in the session" },
	{ "privileges { drop-capabilities = { cap_kill,\ncap_setgid } }", AT1 WITHOUT("cap_setgid") SUDO },
	{ "privileges { drop-capabilities = { cap_setuid } }", AT1 WITHOUT("cap_setuid") SUDO },
	{ "privileges { drop-capabilities = { all } }", AT1 WITHOUT("all") SUDO },
	{ "privileges { drop-capabilities = { cap_net_raw } }",
	  AT1 WITHOUT("cap_net_raw") "ping fails in the session" },
	{ "privileges { drop-capabilities = { cap_chown } }", AT1 WITHOUT("cap_chown") NESTED },
	{ "privileges { drop-capabilities = { cap_net_admin } }", AT1 WITHOUT("cap_net_admin") NESTED },
	{ "privileges { drop-capabilities = { cap_sys_chroot } }", AT1 WITHOUT("cap_sys_chroot") NESTED },
	{ "privileges { drop-capabilities = { cap_sys_ptrace } }", AT1 WITHOUT("cap_sys_ptrace") NESTED },
	{ "privileges { drop-capabilities = { cap_sys_admin } }", AT1 WITHOUT("cap_sys_admin") NESTED },
	{ "privileges { drop-capabilities = { cap_sys_module, cap_sys_boot } }", NULL },
	{ "mode = off privileges { no-new-privileges = true drop-capabilities = { all } }", NULL },

	{ "\nfrom = { 10.1.0.0 }", AT2 "from: '10.1.0.0' is one address; for a network write its length, as in "
				       "'10.1.0.0/24'" },
	{ "from = { \"2001:db8::\" }", AT1 "from: '2001:db8::' is one address; for a network write its length, as in "
					   "'2001:db8::/64'" },
	{ "from = { 10.1.0.0/16, 10.1.0.10, \"::1\", local }", NULL },
};

static void what_does_not_serve_its_logins_is_named_where_it_is_said(void **state)
{
	(void)state;
	for (size_t i = 0; i < ELEMENTS(cases); i++)
		assert_lint(cases[i].text, cases[i].message);
}

static void capabilities_that_can_be_taken_from_others_are_named(void **state)
{
	static const char text[] = "pid { isolate = false } mount { proc = hidepid }\n"
				   "privileges { drop-capabilities = { cap_sys_module } }";
	struct diagnostics diag = { 0 };

	(void)state;
	assert_int_equal(policy_lint(TEST_FILE, text, strlen(text), NULL, &diag), 0);
	/* the first is about pid.isolate itself */
	assert_int_equal(diag.count, 2);
	assert_string_equal(diag.items[1].text,
			    "privileges.drop-capabilities: with 'pid.isolate = false': root in the session can trace "
			    "processes of the host, and have them do what it cannot; add \"cap_sys_ptrace\"");
	diagnostics_release(&diag);
}

static void a_warning_is_given_once_and_refuses_nobody(void **state)
{
	static const char text[] = "services = { sshd, vsftpd, ftp } network { mode = none }\n"
				   "mount { private \"/tmp\" { size = 1m inodes = 1 } }\nservice sshd { }";
	struct diagnostics diag = { 0 };
	_cleanup_(policy_freep) struct policy *policy = NULL;

	(void)state;
	assert_int_equal(policy_lint(TEST_FILE, text, strlen(text), &policy, &diag), 0);
	assert_non_null(policy);
	assert_int_equal(diag.count, 5);
	assert_false(diagnostics_failed(&diag));
	diagnostics_release(&diag);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_does_not_serve_its_logins_is_named_where_it_is_said),
		cmocka_unit_test(capabilities_that_can_be_taken_from_others_are_named),
		cmocka_unit_test(a_warning_is_given_once_and_refuses_nobody),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
