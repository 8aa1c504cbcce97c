/* SPDX-License-Identifier: BSD-3-Clause OR GPL-2.0-or-later */

/* What a control group holds a process to, read from directories that look like both versions. */

#include "session/limits.h"

#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include <cmocka.h>

#define MIB (UINT64_C(1) << 20)

static void put(int root, const char *path, const char *text)
{
	int fd = openat(root, path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);

	assert_true(fd >= 0);
	assert_int_equal(write(fd, text, strlen(text)), strlen(text));
	close(fd);
}

struct groups {
	char directory[sizeof("/tmp/test-limits-XXXXXX")];
	int root;
};

static int make_groups(void **state)
{
	struct groups *groups = malloc(sizeof(*groups));

	assert_non_null(groups);
	(void)strcpy(groups->directory, "/tmp/test-limits-XXXXXX");
	assert_non_null(mkdtemp(groups->directory));
	groups->root = open(groups->directory, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	assert_true(groups->root >= 0);
	assert_int_equal(mkdirat(groups->root, "user", 0700), 0);
	assert_int_equal(mkdirat(groups->root, "user/login", 0700), 0);
	*state = groups;
	return 0;
}

static int remove_groups(void **state)
{
	static const char *const files[] = { "user/file", "user/login/file", "user/link" };
	struct groups *groups = *state;

	for (size_t i = 0; i < ELEMENTS(files); i++)
		(void)unlinkat(groups->root, files[i], 0);
	assert_int_equal(unlinkat(groups->root, "user/login", AT_REMOVEDIR), 0);
	assert_int_equal(unlinkat(groups->root, "user", AT_REMOVEDIR), 0);
	assert_int_equal(rmdir(groups->directory), 0);
	close(groups->root);
	free(groups);
	return 0;
}

static void the_least_on_the_way_up_counts(void **state)
{
	static const struct {
		const char *above, *group;
		uint64_t own, least;
		int result;
	} cases[] = {
		{ "max\n", "max\n", LIMIT_NONE, LIMIT_NONE, 0 },
		{ "max\n", "40\n", 40, 40, 0 },
		{ "30\n", "40\n", 40, 30, 0 },
		{ "30\n", "max\n", LIMIT_NONE, 30, 0 },
		{ "30\n", "9223372036854771712\n", LIMIT_NONE, 30, 0 },
		{ "nonsense\n", "40\n", 40, 40, 0 },
		{ "30\n", "nonsense\n", 0, 0, -EBADMSG },
		{ "30\n", "", 0, 0, -EBADMSG },
	};
	struct groups *groups = *state;

	for (size_t i = 0; i < ELEMENTS(cases); i++) {
		struct limit_seen seen = { .file = "file" };

		put(groups->root, "user/file", cases[i].above);
		put(groups->root, "user/login/file", cases[i].group);
		assert_int_equal(limit_read_at(groups->root, "/user/login", &seen), cases[i].result);
		if (cases[i].result == 0)
			assert_true(seen.own == cases[i].own && seen.least == cases[i].least);
	}
}

static void names_lead_nowhere_else(void **state)
{
	struct groups *groups = *state;
	struct limit_seen seen = { .file = "file" };

	put(groups->root, "user/login/file", "40\n");
	assert_int_equal(symlinkat("login", groups->root, "user/link"), 0);
	assert_int_equal(limit_read_at(groups->root, "/user/link", &seen), -ELOOP);
	assert_int_equal(limit_read_at(groups->root, "/../user/login", &seen), -EXDEV);
	assert_int_equal(limit_read_at(groups->root, "/user/gone", &seen), -ENOENT);
	seen.file = "other";
	assert_int_equal(limit_read_at(groups->root, "/user/login", &seen), -ENOENT);
}

static void a_value_is_exact_but_for_what_is_rounded(void **state)
{
	static const struct {
		enum limit limit;
		bool old;
		uint64_t own, wanted;
		bool exact;
	} cases[] = {
		{ LIMIT_MEMORY, false, 64 * MIB, 64 * MIB, true },
		{ LIMIT_MEMORY, false, 64 * MIB, 64 * MIB + 1, true },
		{ LIMIT_MEMORY, false, 65 * MIB, 64 * MIB, false },
		{ LIMIT_MEMORY, false, 63 * MIB, 64 * MIB, false },
		{ LIMIT_MEMORY, false, LIMIT_NONE, 64 * MIB, false },
		{ LIMIT_TASKS, false, 40, 40, true },
		{ LIMIT_TASKS, true, 40, 40, true },
		{ LIMIT_TASKS, false, 41, 40, false },
		{ LIMIT_TASKS, false, LIMIT_NONE, 40, false },
		{ LIMIT_CPU_WEIGHT, false, 50, 50, true },
		{ LIMIT_CPU_WEIGHT, false, 100, 50, false },
		{ LIMIT_CPU_WEIGHT, true, 512, 50, true },
		{ LIMIT_CPU_WEIGHT, true, 1024, 50, false },
		{ LIMIT_CPU_WEIGHT, true, 10, 1, true },
	};

	(void)state;
	for (size_t i = 0; i < ELEMENTS(cases); i++) {
		const struct limit_seen seen = { .own = cases[i].own, .old = cases[i].old };

		assert_int_equal(limit_is_exact(&seen, cases[i].limit, cases[i].wanted), cases[i].exact);
	}
}

static void only_what_is_wanted_is_named(void **state)
{
	static const struct {
		struct limits limits;
		const char *text;
	} cases[] = {
		{ { 0, 0, 0 }, "" },
		{ { 0, 0, LIMITS_WEIGHT_NONE }, "" },
		{ { 512 * MIB, 0, 0 }, "memory=512m" },
		{ { 4096 * MIB, 4096, 50 }, "memory=4g tasks=4096 cpu-weight=50" },
		{ { 1000, 1, 100 }, "memory=1000 tasks=1" },
	};

	(void)state;
	for (size_t i = 0; i < ELEMENTS(cases); i++) {
		char *text = limits_format(&cases[i].limits);

		assert_string_equal(text, cases[i].text);
		assert_int_equal(limits_are_none(&cases[i].limits), !*text);
		assert_true(limits_equal(&cases[i].limits, &cases[i].limits));
		free(text);
	}
	assert_true(limits_equal(&cases[0].limits, &cases[1].limits));
	assert_false(limits_equal(&cases[2].limits, &cases[3].limits));
}

/* A group that is nowhere is not one without limits. */
static void what_cannot_be_seen_is_not_held(void **state)
{
	static const char *const texts[] = { "", "0::/no/such/group\n", "0::/../above\n", "7:name=other:/\n" };
	const struct limits wanted = { .tasks = 40 };

	(void)state;
	for (size_t i = 0; i < ELEMENTS(texts); i++) {
		char *sentence = NULL, *seen = limits_seen_format(texts[i], &wanted);

		assert_int_equal(limits_judge(texts[i], &wanted, i % 2, &sentence), -EINVAL);
		assert_non_null(strstr(sentence, "limits.tasks: the control group "));
		assert_string_equal(seen, "tasks=?");
		free(sentence);
		free(seen);
	}
	{
		char *sentence = NULL;

		assert_int_equal(limits_judge("", &(struct limits){ 0 }, true, &sentence), 0);
		assert_null(sentence);
		assert_int_equal(limits_judge("no line of it\n", &wanted, true, &sentence), -EBADMSG);
	}
}

/* cgroup v2: a group has no cpu.weight unless somebody set one near it. A login within a session has that one's. */
static void a_weight_is_judged_only_where_it_was_set(void **state)
{
	const struct limits wanted = { .cpu_weight = 50 };
	char *sentence = NULL;

	(void)state;
	assert_int_equal(limits_judge("0::/no/such/group\n", &wanted, false, &sentence), 0);
	assert_null(sentence);
	assert_int_equal(limits_judge("0::/no/such/group\n", &wanted, true, &sentence), -EINVAL);
	assert_non_null(strstr(sentence, "limits.cpu-weight: "));
	free(sentence);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(the_least_on_the_way_up_counts, make_groups, remove_groups),
		cmocka_unit_test_setup_teardown(names_lead_nowhere_else, make_groups, remove_groups),
		cmocka_unit_test(a_value_is_exact_but_for_what_is_rounded),
		cmocka_unit_test(only_what_is_wanted_is_named),
		cmocka_unit_test(what_cannot_be_seen_is_not_held),
		cmocka_unit_test(a_weight_is_judged_only_where_it_was_set),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
