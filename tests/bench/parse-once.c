/* SPDX-License-Identifier: BSD-3-Clause OR GPL-2.0-or-later */

/*
 * What the helper does between the request and the plan: reads, parses, checks and merges the policy of a user, once,
 * in a process of its own that is linked like the helper. So every page is touched for the first time, as in a login.
 * Prints microseconds: of that first time, and of a second.
 *
 *     parse-once POLICY-DIRECTORY USER SERVICE
 */

#include "config/decide.h"

#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#define UID     3001
#define UID_MIN 1000

static double now_us(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (double)now.tv_sec * 1e6 + (double)now.tv_nsec / 1e3;
}

/* Microseconds, or negative when the policy is not what it should be. */
static double time_decision(const struct candidates *candidates, const struct login *login)
{
	_cleanup_(policy_freep) struct policy *policy = NULL;
	struct diagnostics diag = { 0 };
	double start = now_us(), end;
	int r = policy_decide(candidates, login, UID_MIN, &policy, &diag);

	end = now_us();
	if (r < 0 && diagnostics_first_error(&diag))
		fprintf(stderr, "%s: %s\n", login->user, diagnostics_first_error(&diag)->text);
	diagnostics_release(&diag);
	return r == DECISION_POLICY ? end - start : -1;
}

int main(int argc, char **argv)
{
	_cleanup_close_ int root = argc == 4 ? open(argv[1], O_PATH | O_DIRECTORY | O_CLOEXEC) : -1;
	struct candidate candidate = { .kind = CANDIDATE_USER, .fd = -1 };
	struct candidates candidates = { .items = &candidate, .count = 1, .root = { .open = true } };
	double first, second;

	if (root < 0 || asprintf(&candidate.name, "user/%s.conf", argv[2]) < 0)
		return 2;
	candidates.root.fd = root;
	candidate.fd = openat(root, candidate.name, O_RDONLY | O_CLOEXEC);
	first = time_decision(&candidates, &(struct login){ .user = argv[2], .uid = UID, .service = argv[3] });
	second = time_decision(&candidates, &(struct login){ .user = argv[2], .uid = UID, .service = argv[3] });
	if (first < 0 || second < 0)
		return 1;
	printf("%.2f %.2f\n", first, second);
	return 0;
}
