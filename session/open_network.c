/* SPDX-License-Identifier: BSD-3-Clause OR GPL-2.0-or-later */
/* The network of a session that is being opened: what is wanted of the host, and who else works on it meanwhile. */
#include "session/open_private.h"

#include "config/problem.h"
#include "session/etc_files.h"
#include "session/network_host.h"
#include "session/network_name.h"

#include <string.h>

bool opening_find_network(struct opening *opening, struct open_result *result)
{
	const struct step *step = plan_find(opening->plan, STEP_NETWORK_NAMED);
	_cleanup_free_ char *problem = NULL;
	int r;

	r = etc_files_check(opening->plan, &problem);
	if (r == 0 && network_needs_host(result->policy->network.mode))
		r = network_host_is_here(result->policy->network.mode, &problem);
	if (r == 0 && result->policy->network.mode == NETWORK_SLIRP)
		r = slirp_check(&problem);
	if (r == 0 && step)
		r = network_name_open(step->target, &opening->network, &opening->network_number, &problem);
	if (r < 0 && problem)
		open_conclude(result, OUTCOME_REFUSED, "%s: %s", result->policy->file, problem);
	else if (r < 0)
		open_fail(result, "network", "", r);
	return r == 0;
}

static int fail_slirp(struct open_result *result, const char *sentence, int error)
{
	_cleanup_free_ char *text = NULL;

	if (sentence && problem_write(&text, "step %s: %s", step_name(STEP_SLIRP), sentence))
		open_fail_text(result, text);
	else
		open_fail(result, step_name(STEP_SLIRP), NSISOLATE_SLIRP4NETNS, error);
	return error;
}

int opening_start_slirp(struct opening *opening, struct open_result *result)
{
	int r;

	if (!plan_find(opening->plan, STEP_SLIRP))
		return 0;
	opening->files.slirp = close_fd(opening->files.slirp);
	r = slirp_start(result->launch.network, opening->slirp_end, &opening->slirp);
	if (r < 0)
		return fail_slirp(result, NULL, r);
	result->reply.slirp_pid = opening->slirp.pid;
	result->reply.slirp_start = opening->slirp.start;
	return 0;
}

int opening_finish_slirp(struct opening *opening, struct open_result *result)
{
	_cleanup_free_ char *sentence = NULL;
	int r;

	if (!plan_find(opening->plan, STEP_SLIRP))
		return 0;
	r = slirp_wait(&opening->slirp, &sentence);
	return r < 0 ? fail_slirp(result, sentence, r) : 0;
}

int opening_start_network(struct opening *opening, struct open_result *result)
{
	_cleanup_free_ char *problem = NULL;
	int r;

	if (!plan_find(opening->plan, STEP_VETH))
		return 0;
	r = network_start(result->policy, &result->network, &problem);
	if (r < 0)
		open_fail_network(result, problem);
	memcpy(opening->files.locks, result->network.locks, sizeof(opening->files.locks));
	return r;
}

int opening_finish_network(const struct opening *opening, struct open_result *result)
{
	_cleanup_free_ char *problem = NULL;
	int r;

	if (!plan_find(opening->plan, STEP_VETH))
		return 0;
	r = network_finish(&result->network, result->launch.network, &problem);
	if (r < 0)
		open_fail_network(result, problem);
	return r;
}
