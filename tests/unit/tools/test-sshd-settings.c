/* SPDX-License-Identifier: BSD-3-Clause OR GPL-2.0-or-later */

/* What sshd says of its settings, from programs that stand in for it. */

#include "tools/sshd_settings.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <string.h>
#include <sys/stat.h>
#include <cmocka.h>

static const struct settings {
	const char *name, *text;
	const char *errors, *warnings; /* the beginning of the only one, or NULL */
} settings_table[] = {
	{ "as it should be", "port 22\nusepam yes\nusedns no\n", NULL, NULL },
	{ "without PAM", "port 22\nusepam no\nusedns no\n", "UsePAM no", NULL },
	{ "names from DNS", "usedns yes\nusepam yes", NULL, "UseDNS yes" },
	{ "both, at both ends", "usepam no\nport 22\nusedns yes", "UsePAM no", "UseDNS yes" },
	{ "only whole lines count", "banner usepam no\nusepam nox\nxusedns yes\n", NULL, NULL },
	{ "nothing", "", NULL, NULL },
};

static void settings_are_judged(void **state)
{
	(void)state;
	for (size_t i = 0; i < ELEMENTS(settings_table); i++) {
		const struct settings *row = &settings_table[i];
		struct diagnostics diag = { 0 };

		print_message("%s\n", row->name);
		sshd_settings_judge(row->text, "f", &diag);
		assert_int_equal(diag.count, (row->errors != NULL) + (row->warnings != NULL));
		for (size_t j = 0; j < diag.count; j++) {
			const char *begins = diag.items[j].severity == SEVERITY_ERROR ? row->errors : row->warnings;

			assert_non_null(begins);
			assert_int_equal(strncmp(diag.items[j].text, begins, strlen(begins)), 0);
		}
		diagnostics_release(&diag);
	}
}

/* Programs of a directory of their own, as a script says. */
static int run(const char *script, char **ret_text, char **ret_problem)
{
	char directory[] = "/var/tmp/test-sshd-XXXXXX", path[64];
	FILE *file;
	int r;

	assert_non_null(mkdtemp(directory));
	(void)snprintf(path, sizeof(path), "%s/sshd", directory);
	file = fopen(path, "we");
	assert_non_null(file);
	assert_true(fprintf(file, "#!/bin/sh\n%s\n", script) > 0);
	assert_int_equal(fclose(file), 0);
	assert_int_equal(chmod(path, 0700), 0);
	r = sshd_settings_read(path, ret_text, ret_problem);
	assert_int_equal(unlink(path), 0);
	assert_int_equal(rmdir(directory), 0);
	return r;
}

static const struct program {
	const char *name, *script;
	int value;
	const char *says; /* in the output, or in the problem */
} program_table[] = {
	{ "it is asked with -T, without environment and input",
	  "[ \"$*\" = -T ] && [ -z \"$HOME$TERM\" ] && ! read -r line && echo usepam yes", 0, "usepam yes\n" },
	{ "a failure is told by its last line", "echo a; echo no host keys >&2; exit 1", -EIO, "failed: no host keys" },
	{ "a crash", "kill -SEGV $$", -EIO, "failed: " },
	{ "more output than any settings are, and no end",
	  "while :; do echo 0123456789012345678901234567890123456789012345678901234567890; done", -ETIMEDOUT,
	  "timed out" },
	{ "output closed before the end", "echo usepam no; exec >&- 2>&-; /bin/sleep 0.1", 0, "usepam no" },
	{ "a child that keeps the pipe holds nobody up", "/bin/sleep 2 & echo usepam yes", 0, "usepam yes" },
};

static void whatever_sshd_does_there_is_an_answer(void **state)
{
	(void)state;
	for (size_t i = 0; i < ELEMENTS(program_table); i++) {
		const struct program *row = &program_table[i];
		_cleanup_free_ char *text = NULL, *problem = NULL;

		print_message("%s\n", row->name);
		assert_int_equal(run(row->script, &text, &problem), row->value);
		assert_non_null(row->value ? problem : text);
		assert_non_null(strstr(row->value ? problem : text, row->says));
	}
}

static void a_missing_program_is_an_error(void **state)
{
	_cleanup_free_ char *text = NULL, *problem = NULL;

	(void)state;
	assert_int_equal(sshd_settings_read("/nonexistent/sshd", &text, &problem), -EIO);
	assert_non_null(problem);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(settings_are_judged),
		cmocka_unit_test(whatever_sshd_does_there_is_an_answer),
		cmocka_unit_test(a_missing_program_is_an_error),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
