/* SPDX-License-Identifier: BSD-3-Clause OR GPL-2.0-or-later */
#include "session/plan.h"

#include "config/network.h"
#include "config/privileges.h"
#include "config/text_list.h"
#include "session/limits.h"
#include "session/plan_private.h"
#include "session/record.h"
#include "session/slirp.h"

#include <inttypes.h>
#include <sched.h>
#include <string.h>

unsigned policy_clone_flags(const struct policy *policy)
{
	const bool wanted[NAMESPACE_KINDS] = {
		[NAMESPACE_MOUNT] = policy->mount.isolate, [NAMESPACE_NETWORK] = policy->network.mode != NETWORK_HOST,
		[NAMESPACE_IPC] = policy->ipc.isolate,     [NAMESPACE_UTS] = policy->uts.isolate,
		[NAMESPACE_PID] = policy->pid.isolate,     [NAMESPACE_CGROUP] = policy->cgroup.isolate,
		[NAMESPACE_TIME] = policy->time.isolate,   [NAMESPACE_USER] = policy->user.map != USER_MAP_NONE,
	};
	unsigned flags = 0;

	for (size_t i = 0; i < NAMESPACE_KINDS; i++)
		if (wanted[i])
			flags |= (unsigned)namespace_table[i].clone_flag;
	return flags;
}

/* The network that is there before the session. */
static int add_named_network(struct plan *plan, const struct policy *policy)
{
	char path[sizeof(NETWORK_NAMES) + 1 + NETWORK_NAME_MAX];

	if (policy->network.mode != NETWORK_NAMED)
		return 0;
	plan->entered_flags |= CLONE_NEWNET;
	(void)snprintf(path, sizeof(path), NETWORK_NAMES "/%s", policy->network.name);
	return plan_add_step(plan, (struct step){ .kind = STEP_NETWORK_NAMED, .target = path });
}

/* What is made beside the init's first steps, network_new.h: from here on steps need it. */
static int add_new_network(struct plan *plan)
{
	if (!(plan_new_flags(plan) & CLONE_NEWNET) || plan_find(plan, STEP_USER_MAP))
		return 0;
	return plan_add_step(plan, (struct step){ .kind = STEP_NETWORK_NEW });
}

static int add_names(struct plan *plan, const struct policy *policy, const struct plan_login *login, char **ret_problem)
{
	_cleanup_free_ char *hostname = NULL;
	_cleanup_free_ char *domainname = NULL;
	int r;

	if (!policy->uts.isolate)
		return 0;
	r = expand(policy->uts.hostname, &login->names, EXPAND_HOSTNAME, &hostname, ret_problem);
	if (r < 0)
		return r;
	r = plan_add_step(plan, (struct step){ .kind = STEP_HOSTNAME, .value = hostname });
	if (r < 0 || !policy->uts.domainname)
		return r;
	r = expand(policy->uts.domainname, &login->names, EXPAND_TEXT, &domainname, ret_problem);
	if (r < 0)
		return r;
	return plan_add_step(plan, (struct step){ .kind = STEP_DOMAINNAME, .value = domainname });
}

static int add_veth(struct plan *plan, const struct policy *policy)
{
	_cleanup_free_ char *pool = text_list_join(policy->network.pool, ",");
	_cleanup_free_ char *egress = text_list_join(policy->network.egress, "; ");
	_cleanup_free_ char *rules = NULL;
	int r;

	if (!pool || !egress ||
	    asprintf(&rules, "egress=(%s)%s connections=%" PRIu64, egress,
		     policy->network.masquerade ? " masquerade" : "", policy->network.connections) < 0)
		return -ENOMEM;
	r = plan_add_step(plan, (struct step){ .kind = STEP_FIREWALL, .target = "inet nsisolate", .value = rules });
	if (r < 0)
		return r;
	return plan_add_step(plan, (struct step){ .kind = STEP_VETH, .target = "eth0", .value = pool });
}

struct privileges policy_privileges(const struct policy *policy)
{
	return (struct privileges){
		.dropped = privileges_dropped(policy),
		.no_new_privs = policy->privileges.no_new_privileges,
	};
}

/* Last: where a step before fails, the caller has given up nothing that no one can give back. */
static int add_privileges(struct plan *plan, const struct policy *policy)
{
	const struct privileges privileges = policy_privileges(policy);
	_cleanup_(text_list_freep) char **names = NULL;
	_cleanup_free_ char *joined = NULL;
	int r = privileges_dropped_names(policy, &names);

	if (r == 0 && !(joined = text_list_join(names, ",")))
		r = -ENOMEM;
	if (r == 0 && privileges.dropped)
		r = plan_add_step(plan, (struct step){ .kind = STEP_DROP_CAPABILITIES,
						       .value = joined,
						       .capabilities = privileges.dropped });
	if (r == 0 && privileges.no_new_privs)
		r = plan_add_step(plan, (struct step){ .kind = STEP_NO_NEW_PRIVILEGES });
	return r;
}

static int add_limits(struct plan *plan, const struct policy *policy)
{
	_cleanup_free_ char *wanted = NULL;

	if (limits_are_none(&policy->limits))
		return 0;
	wanted = limits_format(&policy->limits);
	return wanted ? plan_add_step(plan,
				      (struct step){ .kind = STEP_LIMITS, .value = wanted, .limits = policy->limits })
		      : -ENOMEM;
}

int plan_make(const struct policy *policy, const struct plan_login *login, struct plan **ret, char **ret_problem)
{
	_cleanup_(plan_freep) struct plan *plan = calloc(1, sizeof(*plan));
	int r;

	if (!plan)
		return -ENOMEM;
	plan->clone_flags = policy_clone_flags(policy);
	r = add_limits(plan, policy);
	if (r == 0)
		r = plan_add_step(plan, (struct step){ .kind = STEP_RECORD, .target = RECORD_DIRECTORY });
	if (r == 0)
		r = add_named_network(plan, policy);
	if (r == 0 && policy->time.isolate)
		r = plan_add_step(plan, (struct step){ .kind = STEP_TIME, .seconds = policy->time.boottime_offset });
	if (r == 0)
		r = plan_add_step(plan, (struct step){ .kind = STEP_NAMESPACES });
	if (r == 0 && policy->user.map == USER_MAP_IDENTITY)
		r = plan_add_step(plan, (struct step){ .kind = STEP_USER_MAP, .value = "identity" });
	if (r == 0 && policy->network.mode == NETWORK_VETH)
		r = add_veth(plan, policy);
	if (r == 0 && policy->network.mode == NETWORK_SLIRP)
		r = plan_add_step(plan, (struct step){ .kind = STEP_SLIRP, .target = SLIRP_INTERFACE });
	if (r == 0)
		r = plan_add_mounts(plan, policy, login, ret_problem);
	/* as late as it can be, for it is what takes longest to be there */
	if (r == 0)
		r = add_new_network(plan);
	if (r == 0)
		r = plan_add_sys(plan, policy);
	if (r == 0 && (policy->network.mode == NETWORK_LOOPBACK || policy->network.mode == NETWORK_VETH ||
		       policy->network.mode == NETWORK_SLIRP))
		r = plan_add_step(plan, (struct step){ .kind = STEP_LOOPBACK_UP, .target = "lo" });
	if (r == 0)
		r = add_names(plan, policy, login, ret_problem);
	/* after every other step that mounts */
	if (r == 0 && policy->user.map == USER_MAP_IDENTITY && policy->mount.isolate)
		r = plan_add_step(plan, (struct step){ .kind = STEP_LOCK_MOUNTS, .target = "/" });
	if (r == 0)
		r = plan_add_step(plan, (struct step){ .kind = STEP_SETNS });
	if (r == 0 && policy->mount.isolate)
		r = plan_add_step(plan, (struct step){ .kind = STEP_WORKING_DIRECTORY });
	if (r == 0)
		r = add_privileges(plan, policy);
	if (r < 0)
		return r;
	*ret = TAKE_PTR(plan);
	return 0;
}

int plan_make_audit(struct plan **ret)
{
	_cleanup_(plan_freep) struct plan *plan = calloc(1, sizeof(*plan));
	int r;

	if (!plan)
		return -ENOMEM;
	r = plan_add_step(plan, (struct step){ .kind = STEP_RECORD, .target = RECORD_DIRECTORY });
	if (r < 0)
		return r;
	*ret = TAKE_PTR(plan);
	return 0;
}
