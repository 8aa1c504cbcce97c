/* SPDX-License-Identifier: BSD-3-Clause OR GPL-2.0-or-later */

/*
 * The session helper, which also tells how long it took to read, parse, check and merge the policy: linked from the
 * helper's own parts, with policy_decide() wrapped. So the figure is of the very login that bench-parse
 * times, every page touched for the first time that a login touches for the first time there.
 */

#include "tests/bench/bench-parse.h"

#include "config/decide.h"

#include <fcntl.h>
#include <time.h>

int __real_policy_decide(const struct candidates *candidates, const struct login *login, uid_t uid_min,
			 struct policy **ret, struct diagnostics *diag);
int __wrap_policy_decide(const struct candidates *candidates, const struct login *login, uid_t uid_min,
			 struct policy **ret, struct diagnostics *diag);

static double now_us(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (double)now.tv_sec * 1e6 + (double)now.tv_nsec / 1e3;
}

/* The benchmark fails without the figure, so an error need not be told. */
static void tell(double microseconds)
{
	_cleanup_close_ int fd = open(BENCH_PARSE_TIME, O_WRONLY | O_CLOEXEC);

	if (fd >= 0 && write(fd, &microseconds, sizeof(microseconds)) < 0)
		return;
}

int __wrap_policy_decide(const struct candidates *candidates, const struct login *login, uid_t uid_min,
			 struct policy **ret, struct diagnostics *diag)
{
	double start = now_us();
	int r = __real_policy_decide(candidates, login, uid_min, ret, diag);

	tell(now_us() - start);
	return r;
}
