/* SPDX-License-Identifier: BSD-3-Clause OR GPL-2.0-or-later */
#include "tools/check_kernel.h"

#include "config/decide.h"
#include "config/path.h"

#include <inttypes.h>
#include <string.h>

#define DEFAULTS "the built-in defaults"

/* One that mount.homes can leave: malloced, NULL where there can be none. */
static char *home_for(const struct policy *policy, const struct expansion *names)
{
	_cleanup_free_ char *above = NULL, *problem = NULL;
	char *home;

	if (!policy->mount.homes_roots ||
	    expand(listed_path(policy->mount.homes_roots[0]), names, EXPAND_PATH, &above, &problem) < 0)
		return NULL;
	return asprintf(&home, "%s/user", above) < 0 ? NULL : home;
}

static int add_policy(struct kernel_needs *needs, const struct policy *policy)
{
	/* whoever logs in: no step comes or goes with the names */
	struct plan_login login = {
		.names = { .user = "user", .uid = 1000, .group = "group", .host = "host", .session = "000000000000" },
		.gid = 1000,
	};
	_cleanup_free_ char *home = home_for(policy, &login.names);
	_cleanup_(plan_freep) struct plan *plan = NULL;
	_cleanup_free_ char *problem = NULL;
	uint32_t found;
	int r;

	login.names.home = home;
	r = plan_make(policy, &login, &plan, &problem);

	if (r < 0)
		return r == -ENOMEM ? r : 0;
	found = probe_needs(plan) & ~needs->needs;
	needs->needs |= found;
	for (unsigned i = 0; i < PROBES; i++)
		if ((found & probe_bit(i)) && !(needs->first[i] = strdup(policy->file)))
			return -ENOMEM;
	return 0;
}

void kernel_needs_add(void *context, const struct policy *policy, const char *service)
{
	struct kernel_needs *needs = context;
	(void)service;
	int r = policy->mode != MODE_OFF ? add_policy(needs, policy) : 0;

	if (r < 0)
		needs->error = r;
}

void kernel_needs_release(struct kernel_needs *needs)
{
	for (size_t i = 0; i < PROBES; i++)
		free(needs->first[i]);
	*needs = (struct kernel_needs){ 0 };
}

/* The limit of this user namespace; UINT64_MAX when the kernel tells none. */
static uint64_t limit_of(unsigned kind, char *name, size_t size)
{
	uint64_t limit = UINT64_MAX;
	char path[64];
	FILE *file;

	(void)snprintf(name, size, "user.max_%s_namespaces", namespace_table[kind].name);
	(void)snprintf(path, sizeof(path), "/proc/sys/user/max_%s_namespaces", namespace_table[kind].name);
	file = fopen(path, "re");
	if (!file)
		return limit;
	if (fscanf(file, "%" SCNu64, &limit) != 1)
		limit = UINT64_MAX;
	(void)fclose(file);
	return limit;
}

static const char *remedy(unsigned probe, int error)
{
	if (error == ENOSPC)
		return "; a limit of this kernel or container is reached";
	if (error == EPERM)
		return "; run this with all capabilities, outside of a container that takes them away";
	if (error == ENOSYS)
		return "; it needs Linux 5.14 or newer, and no filter of system calls in the way";
	if (error == ENODEV || (error == EINVAL && probe < NAMESPACE_KINDS))
		return "; this kernel was built without it";
	return "";
}

static void report(const struct kernel_needs *needs, unsigned probe, int error, struct diagnostics *diag)
{
	char limit[40];

	if (probe < NAMESPACE_KINDS && limit_of(probe, limit, sizeof(limit)) == 0) {
		diagnostics_add(diag, SEVERITY_ERROR, needs->first[probe], 0,
				"this kernel cannot run its plan: %s: the limit %s is 0; raise it by sysctl",
				probe_name(probe), limit);
		return;
	}
	if (error > 0)
		diagnostics_add(diag, SEVERITY_ERROR, needs->first[probe], 0,
				"this kernel cannot run its plan: %s: %s%s", probe_name(probe), strerror(error),
				remedy(probe, error));
}

static int add_defaults(struct kernel_needs *needs)
{
	_cleanup_(policy_freep) struct policy *policy = NULL;
	int r = policy_new_default(DEFAULTS, &policy);

	return r < 0 ? r : add_policy(needs, policy);
}

int check_kernel(struct kernel_needs *needs, struct diagnostics *diag)
{
	int errors[PROBES] = { 0 };
	int r = needs->error;

	if (r == 0 && needs->needs == 0)
		r = add_defaults(needs);
	if (r < 0)
		return r;
	r = probe_kernel(needs->needs, errors);
	if (r < 0)
		return r;
	for (unsigned i = 0; i < PROBES; i++)
		if (needs->needs & probe_bit(i))
			report(needs, i, errors[i], diag);
	return 0;
}
