/* SPDX-License-Identifier: BSD-3-Clause OR GPL-2.0-or-later */

/* nsrun --dry-run: what would be done, found the way the session helper finds it; without root. */

#include "tools/nsrun.h"

#include "tools/command_exit.h"
#include "tools/verdict.h"

#include <string.h>

static int refuse(const struct verdict *verdict, const struct nsrun *nsrun)
{
	return command_fail("no plan for %s: %s%s%s", verdict->identity.name, verdict_meaning(verdict, nsrun->service),
			    verdict->problem ? ": " : "", verdict->problem ? verdict->problem : "");
}

static int print_plan(const struct verdict *verdict)
{
	_cleanup_(plan_freep) struct plan *plan = NULL;
	_cleanup_free_ char *problem = NULL, *text = NULL;
	int r = verdict_plan(verdict, NULL, &plan, &problem);

	if (r < 0)
		return command_fail("%s: %s", verdict->policy->file, problem ? problem : strerror(-r));
	text = plan_format(plan);
	if (!text)
		return command_fail("out of memory");
	if (fputs(text, stdout) == EOF || fflush(stdout) != 0)
		return command_fail("standard output: %s", strerror(errno));
	return 0;
}

int nsrun_plan(const struct nsrun *nsrun)
{
	_cleanup_(verdict_release) struct verdict verdict = { .directory = -1 };
	const struct verdict_query query = {
		.user = nsrun->user ? nsrun->user : "root",
		.file = nsrun->file,
		/* who writes a policy may look at its plan before it is root's */
		.any_owner = geteuid() != 0,
		.service = nsrun->service,
		.from = nsrun->from,
	};
	int r = verdict_find(&query, &verdict);

	if (r == -ENOENT || r == -EINVAL)
		return command_fail("no user %s", query.user);
	if (r < 0)
		return command_fail("%s: %s", query.user, strerror(-r));
	if (!verdict.policy || verdict_no_session(&verdict, nsrun->service))
		return refuse(&verdict, nsrun);
	if (verdict.policy->mode != MODE_ENFORCE)
		(void)command_fail("%s: %s; this plan is not carried out", verdict.policy->file,
				   verdict_meaning(&verdict, nsrun->service));
	return print_plan(&verdict);
}
