/* SPDX-License-Identifier: BSD-3-Clause OR GPL-2.0-or-later */
/* What a step is called, where it runs, and the list of them. */
#include "session/plan_private.h"

#include <string.h>

static const struct {
	const char *name;
	enum place place;
} step_table[STEP_KINDS] = {
	[STEP_OWN_USER_MAP] = { "own-user-map", PLACE_HOST },
	[STEP_LIMITS] = { "limits", PLACE_HOST },
	[STEP_RECORD] = { "record", PLACE_HOST },
	[STEP_NETWORK_NAMED] = { "network-named", PLACE_HOST },
	[STEP_TIME] = { "time", PLACE_HOST },
	[STEP_NAMESPACES] = { "namespaces", PLACE_HOST },
	[STEP_USER_MAP] = { "user-map", PLACE_HOST },
	[STEP_FIREWALL] = { "firewall", PLACE_HOST },
	[STEP_VETH] = { "veth", PLACE_HOST },
	[STEP_SLIRP] = { "slirp", PLACE_HOST },
	[STEP_PROPAGATION] = { "propagation", PLACE_INIT },
	[STEP_NETWORK_NEW] = { "network", PLACE_INIT },
	[STEP_LOOPBACK_UP] = { "loopback-up", PLACE_INIT },
	[STEP_HOSTNAME] = { "hostname", PLACE_INIT },
	[STEP_DOMAINNAME] = { "domainname", PLACE_INIT },
	[STEP_MOUNT_PROC] = { "mount-proc", PLACE_INIT },
	[STEP_MOUNT_SYS] = { "mount-sys", PLACE_INIT },
	[STEP_MOUNT_CGROUPS] = { "mount-cgroups", PLACE_INIT },
	[STEP_MOUNT_MQUEUE] = { "mount-mqueue", PLACE_INIT },
	[STEP_MOUNT_TMPFS] = { "mount-tmpfs", PLACE_INIT },
	[STEP_MOUNT_RUNTIME_DIR] = { "mount-runtime-dir", PLACE_INIT },
	[STEP_MOUNT_RESOLV_CONF] = { "mount-resolv-conf", PLACE_INIT },
	[STEP_MOUNT_HOSTS] = { "mount-hosts", PLACE_INIT },
	[STEP_MOUNT_HIDE] = { "mount-hide", PLACE_INIT },
	[STEP_HIDE_ENGINE] = { "hide-engine", PLACE_INIT },
	[STEP_MOUNT_READ_ONLY] = { "mount-read-only", PLACE_INIT },
	[STEP_MOUNT_DIRECTORY] = { "mount-directory", PLACE_INIT },
	[STEP_MOUNT_BIND] = { "mount-bind", PLACE_INIT },
	[STEP_MOUNT_HOMES] = { "mount-homes", PLACE_INIT },
	[STEP_HIDE_PROCS] = { "hide-procs", PLACE_INIT },
	[STEP_LOCK_MOUNTS] = { "lock-mounts", PLACE_INIT },
	[STEP_SETNS] = { "setns", PLACE_CALLER },
	[STEP_WORKING_DIRECTORY] = { "working-directory", PLACE_CALLER },
	[STEP_DROP_CAPABILITIES] = { "drop-capabilities", PLACE_CALLER },
	[STEP_NO_NEW_PRIVILEGES] = { "no-new-privileges", PLACE_CALLER },
};

static const char *const place_names[PLACES] = {
	[PLACE_HOST] = "host",
	[PLACE_INIT] = "init",
	[PLACE_CALLER] = "caller",
};

enum place step_place(enum step_kind kind)
{
	return step_table[kind].place;
}

const char *step_name(enum step_kind kind)
{
	return step_table[kind].name;
}

const char *place_name(enum place place)
{
	return place_names[place];
}

const struct step *plan_find(const struct plan *plan, enum step_kind kind)
{
	for (size_t i = 0; i < plan->count; i++)
		if (plan->steps[i].kind == kind)
			return &plan->steps[i];
	return NULL;
}

void step_release(struct step *step)
{
	free((char *)step->target);
	free((char *)step->value);
	free((char *)step->name);
}

struct plan *plan_free(struct plan *plan)
{
	if (!plan)
		return NULL;
	for (size_t i = 0; i < plan->count; i++)
		step_release(&plan->steps[i]);
	free(plan->steps);
	free(plan);
	return NULL;
}

int plan_add_step(struct plan *plan, struct step step)
{
	_cleanup_free_ char *target = NULL;
	_cleanup_free_ char *value = NULL;
	_cleanup_free_ char *name = NULL;
	struct step *steps;

	if (step.target && !(target = strdup(step.target)))
		return -ENOMEM;
	if (step.value && !(value = strdup(step.value)))
		return -ENOMEM;
	if (step.name && !(name = strdup(step.name)))
		return -ENOMEM;
	steps = reallocarray(plan->steps, plan->count + 1, sizeof(*steps));
	if (!steps)
		return -ENOMEM;
	plan->steps = steps;
	step.target = TAKE_PTR(target);
	step.value = TAKE_PTR(value);
	step.name = TAKE_PTR(name);
	steps[plan->count++] = step;
	return 0;
}
