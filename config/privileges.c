/* SPDX-License-Identifier: BSD-3-Clause OR GPL-2.0-or-later */
#include "config/privileges.h"

#include "config/capability.h"
#include "config/policy_report.h"
#include "config/text_list.h"

#include <linux/capability.h>

#define BIT(capability) (UINT64_C(1) << (capability))

/* What fails without any one of some capabilities, as tests/logins/test_privileges.py has it. */
static const struct need {
	uint64_t capabilities;
	const char *what;
} needs[] = {
	{ BIT(CAP_SETUID) | BIT(CAP_SETGID), "sudo and su fail in the session" },
	{ BIT(CAP_NET_RAW), "ping fails in the session" },
	{ BIT(CAP_CHOWN) | BIT(CAP_NET_ADMIN) | BIT(CAP_SYS_CHROOT) | BIT(CAP_SYS_PTRACE) | BIT(CAP_SYS_ADMIN),
	  "a login from inside the session, as by sudo, of a user whom a policy isolates is refused" },
};

static void warn(const struct policy *policy, enum policy_key key, const char *before, const char *name,
		 const char *text, struct diagnostics *diag)
{
	policy_report(policy, key, SEVERITY_WARNING, diag, "%s: %s'%s': %s", policy_keys[key].name, before, name, text);
}

/* The first name of the policy's that takes away one of these, or NULL. */
static const char *find_dropped(const struct policy *policy, uint64_t capabilities)
{
	for (char *const *name = policy->privileges.drop_capabilities; name && *name; name++) {
		char *one[] = { *name, NULL };

		if (capabilities_set(one) & capabilities)
			return *name;
	}
	return NULL;
}

static void advise_dropped(const struct policy *policy, struct diagnostics *diag)
{
	for (size_t i = 0; i < ELEMENTS(needs); i++) {
		const char *name = find_dropped(policy, needs[i].capabilities);

		if (name)
			warn(policy, KEY_PRIVILEGES_DROP_CAPABILITIES, "without ", name, needs[i].what, diag);
	}
	/* ptrace(2) of who has more takes that capability */
	if (policy->privileges.drop_capabilities && !policy->pid.isolate && !find_dropped(policy, BIT(CAP_SYS_PTRACE)))
		warn(policy, KEY_PRIVILEGES_DROP_CAPABILITIES, "with ", "pid.isolate = false",
		     "root in the session can trace processes of the host, and have them do what it cannot; add "
		     "\"cap_sys_ptrace\"",
		     diag);
}

void privileges_advise(const struct policy *policy, struct diagnostics *diag)
{
	if (policy->privileges.no_new_privileges)
		warn(policy, KEY_PRIVILEGES_NO_NEW_PRIVILEGES, "", "true",
		     "sudo, su, ping, crontab and all that gains rights by a set-user-ID bit or by capabilities of its "
		     "file fail in the session",
		     diag);
	advise_dropped(policy, diag);
}

static uint64_t implied(const struct policy *policy)
{
	return policy->network.mode == NETWORK_VETH || policy->network.mode == NETWORK_NAMED ? BIT(CAP_NET_ADMIN) : 0;
}

uint64_t privileges_dropped(const struct policy *policy)
{
	return capabilities_set(policy->privileges.drop_capabilities) | implied(policy);
}

int privileges_dropped_names(const struct policy *policy, char ***ret)
{
	_cleanup_(text_list_freep) char **names = NULL;
	int r = text_list_add_all(&names, policy->privileges.drop_capabilities);

	if (r == 0 && implied(policy))
		r = text_list_add(&names, "cap_net_admin");
	if (r < 0)
		return r;
	capabilities_normalise(names);
	*ret = TAKE_PTR(names);
	return 0;
}
