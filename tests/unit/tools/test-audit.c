/* SPDX-License-Identifier: BSD-3-Clause OR GPL-2.0-or-later */
#include "tools/audit_findings.h"
#include "tools/audit_origin.h"

#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

static const struct {
	const char *text;
	const char *service;
	const char *session;
} groups[] = {
	{ "0::/\n", NULL, NULL },
	{ "", NULL, NULL },
	{ "0::/system.slice/cron.service\n", "cron", NULL },
	{ "0::/system.slice/ssh.service\n", "sshd", NULL },
	{ "0::/user.slice/user-1000.slice/session-c3.scope\n", NULL, "c3" },
	{ "0::/user.slice/user-1000.slice/user@1000.service/app.slice/a.service\n", "systemd-user", NULL },
	/* what users call their units is below their manager */
	{ "0::/user.slice/user-1000.slice/user@1000.service/app.slice/cron.service\n", "systemd-user", NULL },
	{ "0::/user.slice/user-1000.slice/session-../../x.scope\n", NULL, NULL },
	{ "0::/user.slice/session-.scope\n", NULL, NULL },
	{ "12:pids:/x\n1:name=systemd:/system.slice/atd.service\n0::/\n", "atd", NULL },
	{ "12:pids:/system.slice/cron.service\n", NULL, NULL },
	/* systemd in a control group of the unified hierarchy, beside one of its own that it does not use */
	{ "9:name=systemd:/\n0::/system.slice/cron.service\n", "cron", NULL },
	{ "9:name=systemd:/\n0::/user.slice/user-1000.slice/session-c3.scope\n", NULL, "c3" },
};

static void a_control_group_names_the_service(void **state)
{
	(void)state;
	for (size_t i = 0; i < ELEMENTS(groups); i++) {
		_cleanup_free_ char *session = NULL;
		const char *service = audit_origin_of_cgroup(groups[i].text, &session);

		assert_string_equal(service ? service : "", groups[i].service ? groups[i].service : "");
		assert_string_equal(session ? session : "", groups[i].session ? groups[i].session : "");
	}
}

static void add(struct findings *list, enum finding_code code, const char *text, pid_t pid, uint64_t start)
{
	const struct subject subject = { .text = text, .pid = pid, .start = start };

	assert_int_equal(findings_add(list, code, &subject, "%s", text), 0);
}

/* A process is the same by pid and start, whatever it calls itself; a reused pid is not. */
static void only_what_both_looks_found_stands(void **state)
{
	_cleanup_(findings_release) struct findings now = { 0 }, before = { 0 };

	(void)state;
	add(&now, FINDING_OUTSIDE, "alice:a", 10, 1);
	add(&now, FINDING_OUTSIDE, "alice:b", 11, 2);
	add(&now, FINDING_OUTSIDE, "alice:c", 12, 3);
	add(&now, FINDING_CLOSING, "0123456789ab", 0, 0);
	add(&now, FINDING_CLOSING, "ba9876543210", 0, 0);
	add(&before, FINDING_OUTSIDE, "alice:other", 10, 1);
	add(&before, FINDING_OUTSIDE, "alice:b", 11, 1);
	add(&before, FINDING_ELSEWHERE, "alice:c", 12, 3);
	add(&before, FINDING_CLOSING, "0123456789ab", 0, 0);
	findings_intersect(&now, &before);
	findings_sort(&now);
	assert_int_equal(now.count, 2);
	assert_string_equal(now.items[0].subject, "alice:a");
	assert_string_equal(now.items[1].subject, "0123456789ab");

	_cleanup_(findings_release) struct findings none = { 0 };

	findings_intersect(&now, &none);
	assert_int_equal(now.count, 0);
}

static void the_same_is_said_once(void **state)
{
	_cleanup_(findings_release) struct findings list = { 0 };

	(void)state;
	add(&list, FINDING_PAM_LOOP, "/etc/pam.d/x:1", 0, 0);
	add(&list, FINDING_PAM_INCLUDE, "/etc/pam.d/x:1", 0, 0);
	add(&list, FINDING_PAM_LOOP, "/etc/pam.d/x:1", 0, 0);
	findings_sort(&list);
	assert_int_equal(list.count, 2);
}

static void every_finding_has_a_code_of_its_own(void **state)
{
	(void)state;
	for (size_t i = 0; i < FINDING_CODES; i++) {
		const struct finding_kind *kind = &finding_kinds[i];

		assert_non_null(kind->code);
		assert_int_equal(strlen(kind->code), 6);
		assert_true(*kind->name && *kind->remedy);
		for (size_t j = 0; j < i; j++) {
			assert_string_not_equal(kind->code, finding_kinds[j].code);
			assert_string_not_equal(kind->name, finding_kinds[j].name);
		}
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_control_group_names_the_service),
		cmocka_unit_test(only_what_both_looks_found_stands),
		cmocka_unit_test(the_same_is_said_once),
		cmocka_unit_test(every_finding_has_a_code_of_its_own),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
