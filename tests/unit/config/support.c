/* SPDX-License-Identifier: BSD-3-Clause OR GPL-2.0-or-later */
#include "support.h"

#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>

char *lint(const char *text)
{
	struct diagnostics diag = { 0 };
	char *first = NULL;

	assert_int_equal(policy_lint(TEST_FILE, text, strlen(text), NULL, &diag), 0);
	if (diag.count > 0)
		first = diagnostic_format(&diag.items[0]);
	diagnostics_release(&diag);
	return first;
}

void assert_lint(const char *text, const char *expected)
{
	_cleanup_free_ char *found = lint(text);

	if (!expected && found)
		fail_msg("\"%s\" should be right, but: %s", text, found);
	if (expected && !found)
		fail_msg("\"%s\" should be wrong", text);
	if (expected)
		assert_string_equal(found, expected);
}

void make_old(int fd)
{
	static const struct timespec long_ago[2] = { { .tv_sec = 1 }, { .tv_sec = 1 } };

	assert_int_equal(futimens(fd, long_ago), 0);
}

struct candidate candidate_of(enum candidate_kind kind, const char *name, const char *text)
{
	struct candidate candidate = { .kind = kind, .name = strdup(name), .fd = -1 };

	assert_non_null(candidate.name);
	if (!text) {
		candidate.problem = strdup("the test says so");
		assert_non_null(candidate.problem);
		return candidate;
	}
	candidate.fd = memfd_create("policy", MFD_CLOEXEC);
	assert_true(candidate.fd >= 0);
	assert_int_equal(write(candidate.fd, text, strlen(text)), strlen(text));
	make_old(candidate.fd);
	return candidate;
}

struct policy *policy_of(const char *text)
{
	struct diagnostics diag = { 0 };
	struct policy *policy = NULL;

	assert_int_equal(policy_lint(TEST_FILE, text, strlen(text), &policy, &diag), 0);
	if (!policy)
		fail_msg("\"%s\": %s", text, diag.count > 0 ? diag.items[0].text : "no diagnostic");
	diagnostics_release(&diag);
	return policy;
}
