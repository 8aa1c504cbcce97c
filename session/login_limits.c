/* SPDX-License-Identifier: BSD-3-Clause OR GPL-2.0-or-later */
#include "session/login_limits.h"

#include "config/problem.h"
#include "session/cgroup.h"
#include "session/limits.h"
#include "session/record_store.h"

#include <unistd.h>

/* sd_booted(3) */
#define SYSTEMD_RUNS "/run/systemd/system"

/* What must have come before, of a login from the host's side. 0 or -EINVAL with *ret_problem. */
static int check_handed(const struct session_request *request, const struct policy *policy, char **ret_problem)
{
	const char *service = request->service;

	switch (request->limits_by) {
	case LIMITS_BY_CALLER:
		return 0;
	case LIMITS_BY_NOBODY:
		return problem(
			ret_problem, -EINVAL,
			"limits: the stack of /etc/pam.d/%s has no line 'session required pam_nsisolate.so close' "
			"before, to hand them to pam_systemd: nsisolate-pam enable %s",
			service, service);
	case LIMITS_FAILED:
		return problem(ret_problem, -EINVAL,
			       "limits: the line 'pam_nsisolate.so close' of /etc/pam.d/%s could not find out what to "
			       "hand to pam_systemd; log in again, and look at its arguments: nsisolate-pam status %s",
			       service, service);
	case LIMITS_BY_LINE:
	default:
		break;
	}
	if (!limits_equal(&request->handed, &policy->limits))
		return problem(
			ret_problem, -EINVAL,
			"limits: the policy was changed while this login was under way, or the lines 'close' and "
			"'open' of /etc/pam.d/%s have different arguments; log in again",
			service);
	if (!limits_are_none(&policy->limits) && access(SYSTEMD_RUNS, F_OK) < 0)
		return problem(
			ret_problem, -EINVAL,
			"limits: systemd, whose logind gives a login its control group, does not run here: there "
			"is no " SYSTEMD_RUNS "; remove the section limits");
	return 0;
}

static int say_remedy(const struct session_request *request, bool inside, const char *found, char **ret_problem)
{
	const char *service = request->service;

	if (inside)
		return problem(ret_problem, -EINVAL,
			       "%s; a login within a session stays in the control group of that one, whose limits are "
			       "wider: lift them for it by service \"%s\" { limits { ... } }",
			       found, service);
	if (request->limits_by == LIMITS_BY_CALLER)
		return problem(ret_problem, -EINVAL,
			       "%s; without PAM they are whoever's who runs this to set: systemd-run --scope -p "
			       "MemoryMax=... -p TasksMax=... -p CPUWeight=...",
			       found);
	return problem(
		ret_problem, -EINVAL,
		"%s; pam_systemd must stand between the lines 'close' and 'open' of pam_nsisolate.so in the stack "
		"of /etc/pam.d/%s, and opens no session within that of another login, as su from one does: "
		"nsisolate-pam status %s, or lift them for it by service \"%s\" { limits { ... } }",
		found, service, service, service);
}

int login_limits_check(const struct session_request *request, const struct policy *policy, char **ret_problem)
{
	const bool inside = record_root_is_inside();
	_cleanup_free_ char *groups = NULL, *found = NULL;
	int r;

	if (limits_are_none(&policy->limits) && limits_are_none(&request->handed))
		return 0;
	r = inside ? 0 : check_handed(request, policy, ret_problem);
	if (r < 0 || policy->mode == MODE_AUDIT)
		return r;
	r = cgroups_read_own(&groups);
	if (r < 0)
		return r;
	r = limits_judge(groups, &policy->limits, !inside, &found);
	return r == -EINVAL ? say_remedy(request, inside, found, ret_problem) : r;
}
