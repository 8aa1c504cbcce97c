/* SPDX-License-Identifier: BSD-3-Clause OR GPL-2.0-or-later */
/* Users and groups over a faked NSS: big entries, services that fail, groups that only one of two calls knows. */
#include "support.h"

#include "config/find.h"

#include <grp.h>
#include <pwd.h>
#include <string.h>

#define GROUP_GID 500

static struct {
	int error;           /* of every lookup; 0: found */
	bool missing;        /* no error, and nothing found */
	size_t needed;       /* buffer of a lookup, ERANGE below it */
	const char *pw_name; /* as NSS spells it */
	const char *member;  /* of gr_mem */
	int supplementary;   /* number of groups of getgrouplist(3): 1000, 1001, … */
	bool listed;         /* GROUP_GID is the last of them */
	bool no_memory;      /* getgrouplist(3) fails without asking for room */
} nss;

int __wrap_getpwnam_r(const char *name, struct passwd *entry, char *buffer, size_t size, struct passwd **ret);
int __wrap_getgrnam_r(const char *name, struct group *entry, char *buffer, size_t size, struct group **ret);
int __wrap_getgrgid_r(gid_t gid, struct group *entry, char *buffer, size_t size, struct group **ret);
int __wrap_getgrouplist(const char *user, gid_t primary, gid_t *gids, int *count);

int __wrap_getpwnam_r(const char *name, struct passwd *entry, char *buffer, size_t size, struct passwd **ret)
{
	(void)name;
	*ret = NULL;
	if (nss.error || nss.missing)
		return nss.error;
	if (size < nss.needed)
		return ERANGE;
	*entry = (struct passwd){ .pw_name = buffer, .pw_uid = 2000, .pw_gid = 100, .pw_dir = buffer };
	strcpy(buffer, nss.pw_name);
	*ret = entry;
	return 0;
}

int __wrap_getgrnam_r(const char *name, struct group *entry, char *buffer, size_t size, struct group **ret)
{
	char **members = (char **)(void *)buffer;

	*ret = NULL;
	if (nss.error || nss.missing)
		return nss.error;
	if (size < nss.needed)
		return ERANGE;
	members[0] = (char *)(uintptr_t)nss.member;
	members[1] = NULL;
	*entry = (struct group){ .gr_name = (char *)(uintptr_t)name, .gr_gid = GROUP_GID, .gr_mem = members };
	*ret = entry;
	return 0;
}

int __wrap_getgrgid_r(gid_t gid, struct group *entry, char *buffer, size_t size, struct group **ret)
{
	int error = __wrap_getgrnam_r("teachers", entry, buffer, size, ret);

	if (*ret)
		entry->gr_gid = gid;
	return error;
}

int __wrap_getgrouplist(const char *user, gid_t primary, gid_t *gids, int *count)
{
	int needed = 1 + nss.supplementary;

	(void)user;
	if (nss.no_memory)
		return -1;
	if (*count < needed) {
		*count = needed;
		return -1;
	}
	gids[0] = primary;
	for (int i = 0; i < nss.supplementary; i++)
		gids[1 + i] = (gid_t)(1000 + i);
	if (nss.listed)
		gids[needed - 1] = GROUP_GID;
	*count = needed;
	return needed;
}

static int reset(void **state)
{
	(void)state;
	memset(&nss, 0, sizeof(nss));
	nss.pw_name = "alice";
	return 0;
}

static void a_user_is_called_what_nss_calls_them(void **state)
{
	struct identity identity = { 0 };

	(void)state;
	assert_int_equal(identity_lookup("Alice", &identity), 0);
	assert_string_equal(identity.name, "alice");
	assert_int_equal(identity.uid, 2000);
	assert_int_equal(identity.gid, 100);
	identity_release(&identity);
	nss.pw_name = "../default";
	assert_int_equal(identity_lookup("alice", &identity), -EINVAL);
	nss.pw_name = "a/b";
	assert_int_equal(identity_lookup("alice", &identity), -EINVAL);
	assert_null(identity.name);
}

static void a_failing_service_is_never_taken_for_no_such_user(void **state)
{
	static const int errors[] = { EIO, EAGAIN, ENOENT, ESRCH, ECONNREFUSED, EMFILE, ENOMEM };
	struct identity alice = { .name = (char *)"alice", .uid = 2000, .gid = 100 }, identity = { 0 };

	(void)state;
	for (size_t i = 0; i < ELEMENTS(errors); i++) {
		int r;

		nss.error = errors[i];
		r = identity_lookup("alice", &identity);
		assert_true(r < 0 && r != -ENOENT);
		r = identity_in_group(&alice, "students");
		assert_true(r < 0 && r != -ENOENT);
	}
	nss.error = 0;
	nss.missing = true;
	assert_int_equal(identity_lookup("alice", &identity), -ENOENT);
	assert_int_equal(identity_in_group(&alice, "students"), -ENOENT);
}

static void entries_may_be_large_and_not_endless(void **state)
{
	struct identity alice = { .name = (char *)"alice", .uid = 2000, .gid = 100 }, identity = { 0 };

	(void)state;
	nss.needed = 3 * 1024 * 1024;
	assert_int_equal(identity_lookup("alice", &identity), 0);
	identity_release(&identity);
	assert_int_equal(identity_in_group(&alice, "students"), 0);
	nss.needed = SIZE_MAX;
	assert_int_equal(identity_lookup("alice", &identity), -ERANGE);
	assert_int_equal(identity_in_group(&alice, "students"), -ERANGE);
}

static void a_member_is_who_any_source_names(void **state)
{
	struct identity alice = { .name = (char *)"alice", .uid = 2000, .gid = 100 };

	(void)state;
	assert_int_equal(identity_in_group(&alice, "students"), 0);
	nss.member = "alicia";
	assert_int_equal(identity_in_group(&alice, "students"), 0);
	nss.member = "alice";
	assert_int_equal(identity_in_group(&alice, "students"), 1);
	nss.member = NULL;
	nss.supplementary = 5000;
	assert_int_equal(identity_in_group(&alice, "students"), 0);
	nss.listed = true;
	assert_int_equal(identity_in_group(&alice, "students"), 1);
	nss.listed = false;
	alice.gid = GROUP_GID;
	assert_int_equal(identity_in_group(&alice, "students"), 1);
	nss.no_memory = true;
	assert_int_equal(identity_in_group(&alice, "students"), -ENOMEM);
}

static void a_primary_group_has_a_name_or_none(void **state)
{
	struct identity alice = { .name = (char *)"alice", .uid = 2000, .gid = 100 };
	_cleanup_free_ char *name = NULL;

	(void)state;
	nss.needed = 3 * 1024 * 1024;
	name = identity_group_name(&alice);
	assert_non_null(name);
	assert_string_equal(name, "teachers");
	nss.needed = SIZE_MAX;
	assert_null(identity_group_name(&alice));
	nss.error = EIO;
	assert_null(identity_group_name(&alice));
	nss.error = 0;
	nss.missing = true;
	assert_null(identity_group_name(&alice));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(a_user_is_called_what_nss_calls_them, reset),
		cmocka_unit_test_setup(a_failing_service_is_never_taken_for_no_such_user, reset),
		cmocka_unit_test_setup(entries_may_be_large_and_not_endless, reset),
		cmocka_unit_test_setup(a_member_is_who_any_source_names, reset),
		cmocka_unit_test_setup(a_primary_group_has_a_name_or_none, reset),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
