/* SPDX-License-Identifier: BSD-3-Clause OR GPL-2.0-or-later */

/* Reading and judging session stacks, on files that exist only here. */

#include "tools/pam_judge.h"
#include "tools/pam_limits.h"
#include "tools/pam_stack.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>

struct file {
	const char *name, *text;
};

#define FILES_MAX 6

static int read_files(void *context, const char *name, char **ret_text, size_t *ret_length)
{
	for (const struct file *file = context; file->name; file++) {
		if (strcmp(file->name, name) != 0)
			continue;
		*ret_length = strlen(file->text);
		*ret_text = strdup(file->text);
		return *ret_text ? 0 : -ENOMEM;
	}
	return -ENOENT;
}

/* "file:line module argument…;" for each entry; a substack's head is "[file", a broken line "!". */
static void describe(const struct pam_stack *stack, char *buffer, size_t size)
{
	size_t used = 0;

	buffer[0] = '\0';
	for (size_t i = 0; i < stack->count; i++) {
		const struct pam_entry *entry = &stack->entries[i];

		used += (size_t)snprintf(buffer + used, size - used, "%s:%u %s%s", entry->file, entry->line,
					 entry->kind == PAM_ENTRY_SUBSTACK ? "[" : "",
					 entry->kind == PAM_ENTRY_BROKEN ? "!" : entry->module);
		for (size_t j = 0; j < entry->argument_count; j++)
			used += (size_t)snprintf(buffer + used, size - used, " %s", entry->arguments[j]);
		used += (size_t)snprintf(buffer + used, size - used, ";");
		assert_true(used < size);
	}
}

static const struct reading_case {
	const char *name;
	struct file files[FILES_MAX];
	const char *expected;
	int problem; /* code of the first problem, or -1 */
} reading_cases[] = {
	{ "types in any case, other types passed over",
	  { { "s", "#%PAM-1.0\nauth required a\nSESSION Required b x\n-Session optional c\npassword required d\n" } },
	  "s:3 b x;s:4 c;",
	  -1 },
	{ "Debian's include brings all types, in its place",
	  { { "s", "session required a\n@include t\nsession required b" },
	    { "t", "auth required x\nsession required y\n" } },
	  "s:1 a;t:2 y;s:3 b;",
	  -1 },
	{ "an include of another type brings no session line",
	  { { "s", "auth include t\nsession required b\n" }, { "t", "session required y\n" } },
	  "s:2 b;",
	  -1 },
	{ "below 'session include' an include brings sessions only",
	  { { "s", "session include t\n" },
	    { "t", "@include u\nauth required a\n" },
	    { "u", "session required z\nauth required q\n" } },
	  "u:1 z;",
	  -1 },
	{ "a substack has a head",
	  { { "s", "session substack t\nsession required b\n" }, { "t", "session required y\n" } },
	  "s:1 [t;t:1 y;s:2 b;",
	  -1 },
	{ "continued lines are one line, known by their first",
	  { { "s", "session \\\n required \\  \n\ta x\nsession required b\n" } },
	  "s:1 a x;s:4 b;",
	  -1 },
	{ "a comment ends a line and cannot continue",
	  { { "s", "session required a x # y \\\nsession required b\n# c \\\nsession required d\n" } },
	  "s:1 a x;s:2 b;s:4 d;",
	  -1 },
	{ "brackets hold arguments together",
	  { { "s", "session [success=ok default=bad] a [x y] [p\\]q] z\n" } },
	  "s:1 a x y p]q z;",
	  -1 },
	{ "a file that includes itself",
	  { { "s", "session include s\nsession required b\n" } },
	  "s:1 !;s:2 b;",
	  PAM_PROBLEM_LOOP },
	{ "files that include each other",
	  { { "s", "@include t\n" }, { "t", "@include s\n" } },
	  "t:1 !;",
	  PAM_PROBLEM_LOOP },
	{ "a missing include", { { "s", "@include t\nsession required b\n" } }, "s:1 !;s:2 b;", PAM_PROBLEM_INCLUDE },
	{ "an include without a name", { { "s", "session include\n" } }, "s:1 !;", PAM_PROBLEM_SYNTAX },
	{ "a line without a module", { { "s", "session required\n" } }, "s:1 !;", PAM_PROBLEM_SYNTAX },
	{ "an unknown type", { { "s", "sesion required a\nsession required b\n" } }, "s:2 b;", PAM_PROBLEM_SYNTAX },
	{ "the file ends in a backslash",
	  { { "s", "session required a\nsession required b \\\n" } },
	  "s:1 a;",
	  PAM_PROBLEM_UNFINISHED },
	{ "a comment within a continued line",
	  { { "s", "session required \\\n# c\na\n" } },
	  "s:1 a;",
	  PAM_PROBLEM_AMBIGUOUS },
	{ "carriage returns", { { "s", "# c\r\nsession required a\r\n" } }, "s:2 a\r;", PAM_PROBLEM_CARRIAGE },
	{ "nothing", { { "s", "" } }, "", -1 },
};

static void stacks_are_read_as_pam_reads_them(void **state)
{
	(void)state;
	for (size_t i = 0; i < ELEMENTS(reading_cases); i++) {
		const struct reading_case *reading = &reading_cases[i];
		struct pam_stack stack = { 0 };
		char text[512];

		print_message("%s\n", reading->name);
		assert_int_equal(pam_stack_read(read_files, (void *)reading->files, "s", &stack), 0);
		describe(&stack, text, sizeof(text));
		assert_string_equal(text, reading->expected);
		if (reading->problem < 0)
			assert_int_equal(stack.problems.count, 0);
		else
			assert_int_equal(stack.problems.items[0].code, reading->problem);
		pam_stack_release(&stack);
	}
}

static void a_missing_service_is_an_error(void **state)
{
	static const struct file none[] = { { NULL, NULL } };
	struct pam_stack stack = { 0 };

	(void)state;
	assert_int_equal(pam_stack_read(read_files, (void *)none, "s", &stack), -ENOENT);
	assert_null(stack.entries);
}

/* One file that names another, "f0" … "f20". */
static int read_deep(void *context, const char *name, char **ret_text, size_t *ret_length)
{
	int length;

	(void)context;
	length = asprintf(ret_text, "session include f%d\n", atoi(name + 1) + 1);
	if (length < 0)
		return -ENOMEM;
	*ret_length = (size_t)length;
	return 0;
}

static void includes_that_never_end_are_cut(void **state)
{
	struct pam_stack stack = { 0 };

	(void)state;
	assert_int_equal(pam_stack_read(read_deep, NULL, "f0", &stack), 0);
	assert_int_equal(stack.problems.count, 1);
	assert_int_equal(stack.problems.items[0].code, PAM_PROBLEM_LOOP);
	pam_stack_release(&stack);
}

#define CLOSE                "session required pam_nsisolate.so close\n"
#define OPEN                 "session required pam_nsisolate.so open\n"
#define OPEN_WITH(arguments) "session required pam_nsisolate.so open " arguments "\n"
#define NONE                 -1

static const struct judging_case {
	const char *name;
	struct file files[FILES_MAX];
	enum pam_state state;
	int problem; /* code of every problem, or NONE */
	enum pam_severity severity;
} judging_cases[] = {
	{ "no line", { { "s", "session required a\n" } }, PAM_STATE_ABSENT, NONE, 0 },
	{ "first and last", { { "s", CLOSE "session required a\n" OPEN } }, PAM_STATE_ENABLED, NONE, 0 },
	{ "requisite holds, too",
	  { { "s", CLOSE "session requisite pam_nsisolate.so open\n" } },
	  PAM_STATE_ENABLED,
	  NONE,
	  0 },
	{ "by an absolute path",
	  { { "s", CLOSE "session required /lib/security/pam_nsisolate.so open\n" } },
	  PAM_STATE_ENABLED,
	  NONE,
	  0 },
	{ "brackets that hold",
	  { { "s", CLOSE "session [success=ok ignore=ignore default=die] pam_nsisolate.so open\n" } },
	  PAM_STATE_ENABLED,
	  NONE,
	  0 },
	{ "through an include",
	  { { "s", "session include su\n" }, { "su", CLOSE "session required a\n" OPEN } },
	  PAM_STATE_THROUGH,
	  NONE,
	  0 },
	{ "through an include, with a line before it",
	  { { "s", "session optional k\nsession include su\n" }, { "su", CLOSE "session required a\n" OPEN } },
	  PAM_STATE_THROUGH,
	  PAM_PROBLEM_CLOSE_NOT_FIRST,
	  PAM_NOTE },
	{ "through an include, with a line behind it",
	  { { "s", "session include su\nsession optional k\n" }, { "su", CLOSE "session required a\n" OPEN } },
	  PAM_STATE_THROUGH,
	  PAM_PROBLEM_OPEN_NOT_LAST,
	  PAM_WARNING },
	{ "close not first",
	  { { "s", "session required a\n" CLOSE OPEN } },
	  PAM_STATE_ENABLED,
	  PAM_PROBLEM_CLOSE_NOT_FIRST,
	  PAM_WARNING },
	{ "before close, what does nothing of the host's at close",
	  { { "s", "session optional pam_keyinit.so force revoke\nsession required /lib/security/pam_limits.so\n" CLOSE
			   OPEN } },
	  PAM_STATE_ENABLED,
	  NONE,
	  0 },
	{ "one before close that matters, behind one that does not",
	  { { "s", "session optional pam_keyinit.so\nsession required pam_mount.so\n" CLOSE OPEN } },
	  PAM_STATE_ENABLED,
	  PAM_PROBLEM_CLOSE_NOT_FIRST,
	  PAM_WARNING },
	{ "Debian's su-l, enabled through su",
	  { { "s", "session optional pam_keyinit.so force revoke\nsession include su\n" },
	    { "su", CLOSE "session required a\n" OPEN } },
	  PAM_STATE_THROUGH,
	  NONE,
	  0 },
	{ "open not last",
	  { { "s", CLOSE OPEN "session required a\n" } },
	  PAM_STATE_ENABLED,
	  PAM_PROBLEM_OPEN_NOT_LAST,
	  PAM_WARNING },
	{ "open not last for an include",
	  { { "s", CLOSE OPEN "@include t\n" }, { "t", "session required a\n" } },
	  PAM_STATE_ENABLED,
	  PAM_PROBLEM_OPEN_NOT_LAST,
	  PAM_WARNING },
	{ "no open", { { "s", CLOSE } }, PAM_STATE_INCOMPLETE, PAM_PROBLEM_NO_OPEN, PAM_ERROR },
	{ "no close", { { "s", OPEN } }, PAM_STATE_ENABLED, PAM_PROBLEM_NO_CLOSE, PAM_WARNING },
	{ "optional",
	  { { "s", CLOSE "session optional pam_nsisolate.so open\n" } },
	  PAM_STATE_ENABLED,
	  PAM_PROBLEM_CONTROL,
	  PAM_ERROR },
	{ "sufficient",
	  { { "s", CLOSE "session sufficient pam_nsisolate.so open\n" } },
	  PAM_STATE_ENABLED,
	  PAM_PROBLEM_CONTROL,
	  PAM_ERROR },
	{ "brackets that let a missing module pass",
	  { { "s", CLOSE "session [success=ok module_unknown=ignore default=bad] pam_nsisolate.so open\n" } },
	  PAM_STATE_ENABLED,
	  PAM_PROBLEM_CONTROL,
	  PAM_ERROR },
	{ "a leading dash",
	  { { "s", CLOSE "-session required pam_nsisolate.so open\n" } },
	  PAM_STATE_ENABLED,
	  PAM_PROBLEM_SILENT,
	  PAM_NOTE },
	{ "sufficient before it",
	  { { "s", CLOSE "session sufficient a\n" OPEN } },
	  PAM_STATE_ENABLED,
	  PAM_PROBLEM_SKIPPED,
	  PAM_ERROR },
	{ "sufficient in an include before it",
	  { { "s", CLOSE "session include t\n" OPEN }, { "t", "session sufficient a\n" } },
	  PAM_STATE_ENABLED,
	  PAM_PROBLEM_SKIPPED,
	  PAM_ERROR },
	{ "sufficient in a substack ends only that",
	  { { "s", CLOSE "session substack t\n" OPEN }, { "t", "session sufficient a\n" } },
	  PAM_STATE_ENABLED,
	  NONE,
	  0 },
	{ "a jump that lands on it",
	  { { "s", CLOSE "session [default=1] a\nsession required b\n" OPEN } },
	  PAM_STATE_ENABLED,
	  NONE,
	  0 },
	{ "a jump over it",
	  { { "s", CLOSE "session [success=2 default=bad] a\nsession required b\n" OPEN } },
	  PAM_STATE_ENABLED,
	  PAM_PROBLEM_SKIPPED,
	  PAM_ERROR },
	{ "a jump over the end fails",
	  { { "s", CLOSE "session [success=3 default=bad] a\nsession required b\n" OPEN } },
	  PAM_STATE_ENABLED,
	  NONE,
	  0 },
	{ "a jump counts a substack as one",
	  { { "s", CLOSE "session [success=1 default=bad] a\nsession substack t\n" OPEN },
	    { "t", "session required b\nsession required c\n" } },
	  PAM_STATE_ENABLED,
	  NONE,
	  0 },
	{ "twice in one file", { { "s", CLOSE OPEN OPEN } }, PAM_STATE_ENABLED, PAM_PROBLEM_TWICE, PAM_WARNING },
	{ "a misspelt module in both lines: the lockout is said, not that nobody is isolated",
	  { { "s", "session required pam_nsisolat.so close\nsession optional pam_nsisolate.so.1 open\n" } },
	  PAM_STATE_INCOMPLETE,
	  PAM_PROBLEM_MISSPELT,
	  PAM_ERROR },
	{ "a misspelt open",
	  { { "s", CLOSE "session required /lib/security/pam_nsioslate.so open\n" } },
	  PAM_STATE_INCOMPLETE,
	  PAM_PROBLEM_MISSPELT,
	  PAM_ERROR },
	{ "a misspelt close",
	  { { "s", "session required pam_nsisolate close\n" OPEN } },
	  PAM_STATE_ENABLED,
	  PAM_PROBLEM_MISSPELT,
	  PAM_ERROR },
	{ "another module of a similar name is another module",
	  { { "s", "session required pam_isolate.so\nsession required pam_nologin.so\n" } },
	  PAM_STATE_ABSENT,
	  NONE,
	  0 },
	{ "an unknown argument",
	  { { "s", CLOSE OPEN_WITH("optionl") } },
	  PAM_STATE_ENABLED,
	  PAM_PROBLEM_ARGUMENT,
	  PAM_ERROR },
	{ "a relative argument",
	  { { "s", CLOSE OPEN_WITH("policy=p") } },
	  PAM_STATE_ENABLED,
	  PAM_PROBLEM_ARGUMENT,
	  PAM_ERROR },
	{ "an argument twice",
	  { { "s", CLOSE OPEN_WITH("debug debug") } },
	  PAM_STATE_ENABLED,
	  PAM_PROBLEM_ARGUMENT,
	  PAM_ERROR },
	{ "bad arguments on both lines",
	  { { "s", "session required pam_nsisolate.so close x\n" OPEN_WITH("x") } },
	  PAM_STATE_ENABLED,
	  PAM_PROBLEM_ARGUMENT,
	  PAM_ERROR },
	{ "good arguments",
	  { { "s", CLOSE OPEN_WITH("policy=/p exempt=a,@b optional debug") } },
	  PAM_STATE_ENABLED,
	  NONE,
	  0 },
	{ "pam_namespace beside it",
	  { { "s", CLOSE "session required pam_namespace.so\n" OPEN } },
	  PAM_STATE_ENABLED,
	  PAM_PROBLEM_NAMESPACE,
	  PAM_WARNING },
	{ "neither open nor close",
	  { { "s", CLOSE "session required pam_nsisolate.so debug\n" OPEN } },
	  PAM_STATE_ENABLED,
	  PAM_PROBLEM_NO_ROLE,
	  PAM_ERROR },
};

/* What pam_systemd is handed, it must find when its turn comes, and have done when ours comes again. */
static void limits_need_pam_systemd_between_our_lines(void **state)
{
	static const struct {
		struct file files[FILES_MAX];
		const char *lack;
	} cases[] = {
		{ { { "s", "session required pam_nsisolate.so close\nsession optional pam_systemd.so\n"
			   "session required pam_nsisolate.so open\n" } },
		  NULL },
		{ { { "s", "session required pam_nsisolate.so close\n@include common-session\n"
			   "session required pam_nsisolate.so open\n" },
		    { "common-session",
		      "session required pam_unix.so\n-session optional /lib/security/pam_systemd.so\n" } },
		  NULL },
		{ { { "s", "session required pam_nsisolate.so close\nsession required pam_nsisolate.so open\n" } },
		  "has no pam_systemd.so" },
		{ { { "s", "session optional pam_systemd.so\nsession required pam_nsisolate.so close\n"
			   "session required pam_nsisolate.so open\n" } },
		  "has pam_systemd.so, but not between the lines 'close' and 'open' of pam_nsisolate.so" },
		{ { { "s", "session required pam_nsisolate.so close\nsession required pam_nsisolate.so open\n"
			   "session optional pam_systemd.so\n" } },
		  "has pam_systemd.so, but not between the lines 'close' and 'open' of pam_nsisolate.so" },
		{ { { "s", "session optional pam_systemd.so\nsession required pam_nsisolate.so open\n" } },
		  "has no line 'close' of pam_nsisolate.so" },
		/* another module's data is no module */
		{ { { "s", "session required pam_nsisolate.so close\nsession optional pam_systemd_home.so\n"
			   "session required pam_nsisolate.so open\n" } },
		  "has no pam_systemd.so" },
	};

	(void)state;
	for (size_t i = 0; i < ELEMENTS(cases); i++) {
		struct pam_verdict verdict = { 0 };
		struct pam_stack stack = { 0 };
		const char *lack;

		assert_int_equal(pam_stack_read(read_files, (void *)cases[i].files, "s", &stack), 0);
		assert_int_equal(pam_stack_judge(&stack, &verdict), 0);
		lack = pam_limits_lack(&stack, &verdict);
		assert_string_equal(lack ? lack : "", cases[i].lack ? cases[i].lack : "");
		pam_verdict_release(&verdict);
		pam_stack_release(&stack);
	}
}

static void stacks_are_judged(void **state)
{
	(void)state;
	for (size_t i = 0; i < ELEMENTS(judging_cases); i++) {
		const struct judging_case *judging = &judging_cases[i];
		struct pam_verdict verdict = { 0 };
		struct pam_stack stack = { 0 };

		print_message("%s\n", judging->name);
		assert_int_equal(pam_stack_read(read_files, (void *)judging->files, "s", &stack), 0);
		assert_int_equal(pam_stack_judge(&stack, &verdict), 0);
		assert_int_equal(verdict.state, judging->state);
		assert_int_equal(verdict.problems.count == 0, judging->problem == NONE);
		for (size_t j = 0; j < verdict.problems.count; j++) {
			assert_int_equal(verdict.problems.items[j].code, judging->problem);
			assert_int_equal(verdict.problems.items[j].severity, judging->severity);
		}
		pam_verdict_release(&verdict);
		pam_stack_release(&stack);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(stacks_are_read_as_pam_reads_them),
		cmocka_unit_test(a_missing_service_is_an_error),
		cmocka_unit_test(includes_that_never_end_are_cut),
		cmocka_unit_test(limits_need_pam_systemd_between_our_lines),
		cmocka_unit_test(stacks_are_judged),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
