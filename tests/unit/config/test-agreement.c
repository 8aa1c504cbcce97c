/* SPDX-License-Identifier: BSD-3-Clause OR GPL-2.0-or-later */
/*
 * The scanner and libconfuse read the same: over random sequences of tokens every file is either a policy or has
 * a mistake with a name, and the two never disagree. The seed is fixed, so that a failure can be repeated.
 */
#include "support.h"

#include <string.h>

#define SEED       20240611
#define FILES      20000
#define TOKENS_MAX 24

static const char *const tokens[] = {
	"mode",    "network", "mount",    "private",  "service",     "services", "bind",         "hide",    "size",
	"isolate", "ipc",     "uts",      "hostname", "description", "from",     "off",          "true",    "1m",
	"root",    "%u",      "\"x\"",    "'y'",      "\"/tmp\"",    "/srv",     "\"a\\\"b\"",   "'a\\\\'", "\"a|b=c\"",
	"{",       "}",       "{ }",      "=",        "+=",          ",",        "\n",           " ",       "\t",
	"\r\n",    "#c\n",    "/* a\n*/", "//z\n",    "Mode",        "foo",      "network.mode", "\"",      "'",
	"\\",      "|",       "/",        "*",
};

static uint64_t seed = SEED;

/* xorshift64: the C library's generators differ between systems */
static size_t below(size_t limit)
{
	seed ^= seed << 13;
	seed ^= seed >> 7;
	seed ^= seed << 17;
	return (size_t)(seed % limit);
}

static size_t make_text(char *text)
{
	char *end = text;

	for (size_t i = below(TOKENS_MAX); i > 0; i--) {
		end = stpcpy(end, tokens[below(ELEMENTS(tokens))]);
		if (below(3) > 0)
			*end++ = ' ';
	}
	*end = '\0';
	if (end > text && below(20) == 0)
		text[below((size_t)(end - text))] = (char)below(256);
	return (size_t)(end - text);
}

/* Messages of libconfuse's own, or of a disagreement: the scanner should have been first. */
static bool is_surprise(const char *message)
{
	static const char *const surprises[] = {
		"ambiguity", "premature",   "unterminated",       "bad escape", "octal",      "no such option",
		"attempt",   "missing tit", "missing equal sign", "missing op", "unexpected",
	};

	for (size_t i = 0; i < ELEMENTS(surprises); i++)
		if (strstr(message, surprises[i]))
			return true;
	return false;
}

static void the_scanner_and_libconfuse_agree(void **state)
{
	unsigned policies = 0;

	(void)state;
	for (unsigned i = 0; i < FILES; i++) {
		char text[TOKENS_MAX * 32];
		size_t size = make_text(text);
		struct diagnostics diag = { 0 };

		assert_int_equal(policy_lint("random", text, size, NULL, &diag), 0);
		for (size_t j = 0; j < diag.count; j++)
			if (is_surprise(diag.items[j].text))
				fail_msg("file %u: %s\n%.*s", i, diag.items[j].text, (int)size, text);
		policies += !diagnostics_failed(&diag);
		diagnostics_release(&diag);
	}
	assert_in_range(policies, FILES / 1000, FILES / 2);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_scanner_and_libconfuse_agree),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
