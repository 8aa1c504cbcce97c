/* SPDX-License-Identifier: BSD-3-Clause OR GPL-2.0-or-later */
/* What is shipped to administrators says what the code does: the page, the default policy, the examples. */
#include "support.h"

#include "config/keys.h"
#include "config/value.h"

#include <fcntl.h>
#include <glob.h>
#include <string.h>
#include <sys/stat.h>

static char *read_source(const char *name)
{
	const char *root = getenv("SOURCE_ROOT");
	_cleanup_free_ char *path = NULL;
	_cleanup_close_ int fd = -1;
	struct stat st;
	char *text;

	assert_non_null(root);
	assert_true(asprintf(&path, "%s%s%s", name[0] == '/' ? "" : root, name[0] == '/' ? "" : "/", name) > 0);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		fail_msg("%s: %s", path, strerror(errno));
	assert_int_equal(fstat(fd, &st), 0);
	text = malloc((size_t)st.st_size + 1);
	assert_non_null(text);
	assert_int_equal(read(fd, text, (size_t)st.st_size), st.st_size);
	text[st.st_size] = '\0';
	return text;
}

static void the_page_describes_every_key_value_and_default(void **state)
{
	_cleanup_free_ char *page = read_source("man/nsisolate.conf.5.scd");

	(void)state;
	for (enum policy_key key = 0; key < POLICY_KEYS; key++) {
		const struct key_info *info = &policy_keys[key];
		_cleanup_free_ char *name = NULL, *fallback = NULL;
		const char *at, *entry_end;

		assert_true(asprintf(&name, "*%s*", info->name) > 0);
		/* the entry is the occurrence at the start of a line */
		for (at = strstr(page, name); at && at[-1] != '\n' && at[-1] != '\t'; at = strstr(at + 1, name))
			;
		if (!at)
			fail_msg("%s has no entry", info->name);
		if (!key_is_stored(key))
			continue;
		entry_end = strstr(at, "Default:");
		assert_non_null(entry_end);
		for (const struct choice *choice = info->choices; choice && choice->name; choice++) {
			_cleanup_free_ char *word = NULL;
			const char *found;

			assert_true(asprintf(&word, "*%s*", choice->name) > 0);
			found = strstr(at, word);
			if (!found || found > entry_end)
				fail_msg("%s: %s is not described", info->name, choice->name);
		}
		assert_true(asprintf(&fallback,
				     info->type == VALUE_TEXT && info->fallback             ? "Default: \"%s\"."
				     : info->fallback                                       ? "Default: *%s*."
				     : key_is_selector(key)                                 ? "Default: all."
				     : info->type == VALUE_LIST                             ? "Default: none."
				     : info->type == VALUE_TEXT || info->type == VALUE_PATH ? "Default: none."
											    : "Default: unchanged.",
				     info->fallback) > 0);
		if (strncmp(entry_end, fallback, strlen(fallback)) != 0)
			fail_msg("%s: the page does not say \"%s\"", info->name, fallback);
	}
}

/* In the first cell of a row of the table: a whole name, of a key or, in backquotes, of a value. */
static bool cell_names(const char *row, const char *name)
{
	static const char parts[] = "abcdefghijklmnopqrstuvwxyz-.";
	const char *end = strstr(row + 2, " |"), *at = row;

	while (end && (at = strstr(at + 1, name)) && at < end)
		if (!memchr(parts, at[-1], sizeof(parts) - 1) && !strchr(parts, at[strlen(name)]))
			return true;
	return false;
}

/* A row of SECURITY.md's table about a key, or about one of its values; NULL if there is none. */
static const char *security_row(const char *table, const char *key, const char *value)
{
	_cleanup_free_ char *quoted = NULL;

	assert_true(asprintf(&quoted, "`%s`", value ? value : "") > 0);
	for (const char *row = strstr(table, "\n| "); row && strncmp(row, "\n| ", 3) == 0; row = strchr(row + 1, '\n'))
		if (cell_names(row, key) && (!value || cell_names(row, quoted)))
			return row + 1;
	return NULL;
}

static unsigned cells(const char *row)
{
	unsigned count = 0;

	for (const char *at = row; *at && *at != '\n'; at++)
		if (strncmp(at, " | ", 3) == 0)
			count++;
	return count + 1;
}

/* Has each key its row, and each row its cells? A key whose values differ in what they stop has a row for each. */
static void security_says_of_every_key_what_it_stops(void **state)
{
	_cleanup_free_ char *text = read_source("SECURITY.md");
	const char *table = strstr(text, "\n| key | holds | does not hold | root by sudo |\n");

	(void)state;
	assert_non_null(table);
	/* the line of dashes follows the first row */
	table = strchr(table + 1, '\n') + 1;
	for (enum policy_key key = 0; key < POLICY_KEYS; key++) {
		const struct key_info *info = &policy_keys[key];
		const char *row = security_row(table, info->name, NULL);

		if (!row)
			fail_msg("SECURITY.md, 'What is a boundary, key by key', has no row for %s: say what "
				 "holds, what does not, and what of it holds for root by sudo; then say in "
				 "tests/attack/claims.py which attacks it claims to stop",
				 info->name);
		if (cells(row) != 4)
			fail_msg("SECURITY.md: the row for %s has %u cells, not 4", info->name, cells(row));
		for (const struct choice *choice = info->choices; info->type == VALUE_CHOICE && choice && choice->name;
		     choice++) {
			if (!security_row(table, info->name, choice->name))
				fail_msg("SECURITY.md: no row for %s says `%s`", info->name, choice->name);
		}
	}
}

static void the_default_policy_isolates_nobody(void **state)
{
	_cleanup_free_ char *text = read_source("packaging/default.conf");
	_cleanup_(policy_freep) struct policy *policy = policy_of(text);

	(void)state;
	assert_int_equal(policy->mode, MODE_OFF);
	assert_lint(text, NULL);
}

static void every_example_is_a_policy_without_a_warning(void **state)
{
	_cleanup_free_ char *pattern = NULL;
	glob_t found;

	(void)state;
	assert_true(asprintf(&pattern, "%s/packaging/examples/*.conf", getenv("SOURCE_ROOT")) > 0);
	assert_int_equal(glob(pattern, 0, NULL, &found), 0);
	assert_true(found.gl_pathc >= 5);
	for (size_t i = 0; i < found.gl_pathc; i++) {
		_cleanup_free_ char *text = read_source(found.gl_pathv[i]);
		_cleanup_(policy_freep) struct policy *policy = policy_of(text);

		assert_lint(text, NULL);
		assert_int_equal(policy->mode, MODE_ENFORCE);
	}
	globfree(&found);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_page_describes_every_key_value_and_default),
		cmocka_unit_test(security_says_of_every_key_what_it_stops),
		cmocka_unit_test(the_default_policy_isolates_nobody),
		cmocka_unit_test(every_example_is_a_policy_without_a_warning),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
