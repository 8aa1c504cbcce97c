/* SPDX-License-Identifier: BSD-3-Clause OR GPL-2.0-or-later */
#include "config/decide.h"
#include "config/keys.h"
#include "config/text_list.h"
#include "session/own_session_text.h"
#include "session/record.h"
#include "session/unprivileged.h"

#include <sched.h>
#include <setjmp.h>
#include <stdarg.h>
#include <string.h>
#include <sys/stat.h>

#include <cmocka.h>

static const struct plan_login alice = {
	.names = { .user = "alice",
		   .uid = 3001,
		   .group = "students",
		   .host = "bastion",
		   .session = "0123456789ab",
		   .home = "/home/alice" },
	.gid = 4000,
};

static void defaults_take_no_root(void **state)
{
	_cleanup_(policy_freep) struct policy *policy = NULL;
	_cleanup_(text_list_freep) char **refusals = NULL;

	(void)state;
	assert_int_equal(policy_new_default("own.conf", &policy), 0);
	assert_int_equal(unprivileged_refusals(policy, &refusals), 0);
	assert_null(refusals);
}

static void each_value_that_takes_root_is_named_with_its_place(void **state)
{
	static const char *const expected[] = {
		"own.conf:3: network.mode = \"slirp\" needs root: ",
		"own.conf: user.map = \"identity\" needs root: ",
		"own.conf: limits.memory needs root: ",
		"own.conf: limits.tasks needs root: ",
		"own.conf: limits.cpu-weight needs root: ",
		"own.conf: scope = \"user\" needs root: ",
		"own.conf: on-logout = \"wait\" needs root: ",
		"own.conf: mount.private \"/tmp\" with backing = \"directory\" needs root: ",
	};
	_cleanup_(policy_freep) struct policy *policy = NULL;
	_cleanup_(text_list_freep) char **refusals = NULL;

	(void)state;
	assert_int_equal(policy_new_default("own.conf", &policy), 0);
	policy->network.mode = NETWORK_SLIRP;
	policy->origins[KEY_NETWORK_MODE] = (struct origin){ "own.conf", 3 };
	policy->user.map = USER_MAP_IDENTITY;
	policy->limits = (struct limits){ .memory = 1 << 20, .tasks = 5, .cpu_weight = 1 };
	policy->scope = SCOPE_USER;
	policy->on_logout = ON_LOGOUT_WAIT;
	policy->mount.private[0].backing = BACKING_DIRECTORY;
	assert_int_equal(unprivileged_refusals(policy, &refusals), 0);
	assert_int_equal(text_list_count(refusals), ELEMENTS(expected));
	for (size_t i = 0; i < ELEMENTS(expected); i++)
		assert_memory_equal(refusals[i], expected[i], strlen(expected[i]));
	/* without mounts nothing is kept */
	policy->mount.isolate = false;
	refusals = text_list_free(refusals);
	assert_int_equal(unprivileged_refusals(policy, &refusals), 0);
	assert_int_equal(text_list_count(refusals), ELEMENTS(expected) - 1);
}

static void plan_begins_with_the_map_and_has_nothing_of_roots(void **state)
{
	static const struct {
		bool map_root;
		const char *map;
	} cases[] = {
		{ false, "uid 3001 as 3001, gid 4000 as 4000, no other; setgroups deny" },
		{ true, "uid 3001 as 0, gid 4000 as 0, no other; setgroups deny" },
	};

	(void)state;
	for (size_t i = 0; i < ELEMENTS(cases); i++) {
		const struct own_ids ids = { .uid = 3001, .gid = 4000, .map_root = cases[i].map_root };
		_cleanup_(policy_freep) struct policy *policy = NULL;
		_cleanup_(plan_freep) struct plan *plan = NULL;
		_cleanup_free_ char *problem = NULL;

		assert_int_equal(policy_new_default("own.conf", &policy), 0);
		policy->network.mode = NETWORK_SLIRP;
		policy->user.map = USER_MAP_IDENTITY;
		policy->limits.tasks = 5;
		policy->mount.private[0].backing = BACKING_DIRECTORY;
		assert_int_equal(plan_make(policy, &alice, &plan, &problem), 0);
		assert_int_equal(unprivileged_plan(plan, &ids), 0);
		assert_int_equal(plan->steps[0].kind, STEP_OWN_USER_MAP);
		assert_string_equal(plan->steps[0].value, cases[i].map);
		assert_true(plan->clone_flags & CLONE_NEWUSER);
		assert_false(plan_new_flags(plan) & CLONE_NEWUSER);
		for (size_t j = 0; j < plan->count; j++) {
			assert_true(plan->steps[j].own);
			assert_true(!plan->steps[j].target || strcmp(plan->steps[j].target, RECORD_ROOT) != 0);
		}
		assert_null(plan_find(plan, STEP_RECORD));
		assert_null(plan_find(plan, STEP_LIMITS));
		assert_null(plan_find(plan, STEP_USER_MAP));
		assert_null(plan_find(plan, STEP_SLIRP));
		assert_null(plan_find(plan, STEP_MOUNT_DIRECTORY));
		assert_null(plan_find(plan, STEP_LOCK_MOUNTS));
		assert_non_null(plan_find(plan, STEP_MOUNT_PROC));
		assert_non_null(plan_find(plan, STEP_MOUNT_TMPFS));
	}
}

static void setting_that_forbids_user_namespaces_is_named(void **state)
{
	static const struct {
		struct userns_settings settings;
		int error;
		const char *text;
	} cases[] = {
		{ { 0, 100, -1 }, -EPERM, "kernel.unprivileged_userns_clone is 0" },
		{ { 1, 100, 1 }, -EPERM, "kernel.apparmor_restrict_unprivileged_userns is 1" },
		{ { -1, 100, 1 }, -EACCES, "kernel.apparmor_restrict_unprivileged_userns is 1" },
		{ { -1, 0, -1 }, -ENOSPC, "user.max_user_namespaces is 0" },
		{ { -1, 7, -1 }, -ENOSPC, "user.max_user_namespaces (7) is reached" },
		{ { -1, 7, -1 }, -EUSERS, "user.max_user_namespaces (7) is reached" },
		{ { 1, 100, 0 }, -EPERM, "a container or a filter" },
		{ { -1, -1, -1 }, -EINVAL, "no user namespaces" },
		{ { -1, 7, -1 }, -ENOMEM, "Cannot allocate memory" },
	};

	(void)state;
	for (size_t i = 0; i < ELEMENTS(cases); i++) {
		_cleanup_free_ char *text = userns_text(&cases[i].settings, cases[i].error);

		assert_non_null(strstr(text, cases[i].text));
	}
}

static void step_within_says_what_the_errno_does_not(void **state)
{
	static const struct {
		struct userns_settings settings;
		const char *step;
		int error;
		const char *text;
	} cases[] = {
		{ { -1, 7, 1 }, "mount-tmpfs", -EACCES, "AppArmor" },
		{ { -1, 7, 0 }, "mount-proc", -EPERM, "proc = \"host\"" },
		{ { -1, 7, -1 }, "mount-sys", -EPERM, "mode = \"host\"" },
	};
	const struct userns_settings open = { -1, 7, -1 };
	_cleanup_free_ char *nothing = own_step_text(&open, "mount-proc", -ENOMEM);
	_cleanup_free_ char *other = own_step_text(&open, "mount-bind", -EACCES);

	(void)state;
	assert_string_equal(nothing, "");
	assert_string_equal(other, "");
	for (size_t i = 0; i < ELEMENTS(cases); i++) {
		_cleanup_free_ char *text = own_step_text(&cases[i].settings, cases[i].step, cases[i].error);

		assert_non_null(strstr(text, cases[i].text));
	}
}

static void settings_are_read_where_they_are(void **state)
{
	char root[] = "/tmp/test-unprivileged-XXXXXX";
	_cleanup_free_ char *kernel = NULL, *file = NULL;
	struct userns_settings found;
	FILE *out;

	(void)state;
	assert_non_null(mkdtemp(root));
	assert_true(asprintf(&kernel, "%s/kernel", root) > 0);
	assert_true(asprintf(&file, "%s/unprivileged_userns_clone", kernel) > 0);
	assert_int_equal(mkdir(kernel, 0700), 0);
	out = fopen(file, "we");
	assert_non_null(out);
	assert_true(fputs("0\n", out) >= 0);
	assert_int_equal(fclose(out), 0);
	found = userns_settings_read(root);
	assert_int_equal(found.clone, 0);
	assert_int_equal(found.max, -1);
	assert_int_equal(found.apparmor, -1);
	assert_int_equal(unlink(file), 0);
	assert_int_equal(rmdir(kernel), 0);
	assert_int_equal(rmdir(root), 0);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(defaults_take_no_root),
		cmocka_unit_test(each_value_that_takes_root_is_named_with_its_place),
		cmocka_unit_test(plan_begins_with_the_map_and_has_nothing_of_roots),
		cmocka_unit_test(setting_that_forbids_user_namespaces_is_named),
		cmocka_unit_test(step_within_says_what_the_errno_does_not),
		cmocka_unit_test(settings_are_read_where_they_are),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
