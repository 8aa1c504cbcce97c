/* SPDX-License-Identifier: BSD-3-Clause OR GPL-2.0-or-later */
#include "session/unprivileged.h"

#include "config/keys.h"
#include "config/text_list.h"
#include "session/plan_private.h"
#include "session/record.h"

#include <sched.h>
#include <string.h>

static int refuse(char ***refusals, const struct policy *policy, const struct origin *origin, const char *what,
		  const char *why)
{
	_cleanup_free_ char *text = NULL;
	int r;

	if (origin && origin->file)
		r = asprintf(&text, "%s:%u: %s needs root: %s", origin->file, origin->line, what, why);
	else
		r = asprintf(&text, "%s: %s needs root: %s", policy->file, what, why);
	if (r < 0) {
		text = NULL;
		return -ENOMEM;
	}
	return text_list_add(refusals, text);
}

#define HOST_NETWORK "it changes the host's network; use \"none\", \"loopback\" or \"host\""
#define OWN_LIMITS   "it judges a control group of the host's; leave it out, and see systemd-run(1) --user --scope"
#define RECORDED     "it is about sessions that are recorded, and this one is not; "

static int refuse_network(char ***refusals, const struct policy *policy)
{
	const char *what = policy->network.mode == NETWORK_NAMED   ? "network.mode = \"named\""
			   : policy->network.mode == NETWORK_VETH  ? "network.mode = \"veth\""
			   : policy->network.mode == NETWORK_SLIRP ? "network.mode = \"slirp\""
								   : NULL;

	return what ? refuse(refusals, policy, &policy->origins[KEY_NETWORK_MODE], what, HOST_NETWORK) : 0;
}

static int refuse_limits(char ***refusals, const struct policy *policy)
{
	const struct {
		enum policy_key key;
		bool set;
		const char *what;
	} rows[] = {
		{ KEY_LIMITS_MEMORY, policy->limits.memory != 0, "limits.memory" },
		{ KEY_LIMITS_TASKS, policy->limits.tasks != 0, "limits.tasks" },
		{ KEY_LIMITS_CPU_WEIGHT,
		  policy->limits.cpu_weight != 0 && policy->limits.cpu_weight != LIMITS_WEIGHT_NONE,
		  "limits.cpu-weight" },
	};
	int r = 0;

	for (size_t i = 0; r == 0 && i < ELEMENTS(rows); i++)
		if (rows[i].set)
			r = refuse(refusals, policy, &policy->origins[rows[i].key], rows[i].what, OWN_LIMITS);
	return r;
}

static int refuse_shared(char ***refusals, const struct policy *policy)
{
	int r = 0;

	if (policy->scope == SCOPE_USER)
		r = refuse(refusals, policy, &policy->origins[KEY_SCOPE], "scope = \"user\"",
			   RECORDED "use \"session\"");
	if (r == 0 && policy->on_logout == ON_LOGOUT_WAIT)
		r = refuse(refusals, policy, &policy->origins[KEY_ON_LOGOUT], "on-logout = \"wait\"",
			   RECORDED "use \"kill\"");
	return r;
}

static int refuse_stores(char ***refusals, const struct policy *policy)
{
	int r = 0;

	for (size_t i = 0; r == 0 && policy->mount.isolate && i < policy->mount.private_count; i++) {
		const struct private_directory *directory = &policy->mount.private[i];
		_cleanup_free_ char *what = NULL;

		if (directory->backing != BACKING_DIRECTORY)
			continue;
		if (asprintf(&what, "mount.private \"%s\" with backing = \"directory\"", directory->path) < 0) {
			what = NULL;
			return -ENOMEM;
		}
		r = refuse(refusals, policy, &directory->backing_origin, what,
			   "what is kept is root's to keep; use \"tmpfs\", or bind a directory of yours");
	}
	return r;
}

int unprivileged_refusals(const struct policy *policy, char ***refusals)
{
	int r = refuse_network(refusals, policy);

	if (r == 0 && policy->user.map == USER_MAP_IDENTITY)
		r = refuse(refusals, policy, &policy->origins[KEY_USER_MAP], "user.map = \"identity\"",
			   "nobody else can map ids that are not their own; leave it out: the user namespace of this "
			   "session maps you");
	if (r == 0)
		r = refuse_limits(refusals, policy);
	if (r == 0)
		r = refuse_shared(refusals, policy);
	return r == 0 ? refuse_stores(refusals, policy) : r;
}

/* Besides what is refused: the record, and where a session has those that are made in it, which are root's. */
static bool is_roots(const struct step *step)
{
	switch ((int)step->kind) {
	case STEP_RECORD:
	case STEP_NETWORK_NAMED:
	case STEP_LIMITS:
	case STEP_USER_MAP:
	case STEP_NETWORK_NEW:
	case STEP_FIREWALL:
	case STEP_VETH:
	case STEP_SLIRP:
	case STEP_MOUNT_DIRECTORY:
	case STEP_LOCK_MOUNTS:
		return true;
	case STEP_MOUNT_TMPFS:
		return strcmp(step->target, RECORD_ROOT) == 0;
	default:
		return false;
	}
}

static void take_out(struct plan *plan, size_t i)
{
	step_release(&plan->steps[i]);
	plan->count--;
	memmove(&plan->steps[i], &plan->steps[i + 1], (plan->count - i) * sizeof(*plan->steps));
}

static int add_first(struct plan *plan, struct step step)
{
	int r = plan_add_step(plan, step);

	if (r < 0)
		return r;
	step = plan->steps[plan->count - 1];
	memmove(plan->steps + 1, plan->steps, (plan->count - 1) * sizeof(*plan->steps));
	plan->steps[0] = step;
	return 0;
}

int unprivileged_plan(struct plan *plan, const struct own_ids *ids)
{
	_cleanup_free_ char *text = NULL;

	for (size_t i = plan->count; i-- > 0;) {
		if (is_roots(&plan->steps[i]))
			take_out(plan, i);
		else
			plan->steps[i].own = true;
	}
	plan->clone_flags |= CLONE_NEWUSER;
	/* by unshare(2), before the others */
	plan->entered_flags |= CLONE_NEWUSER;
	if (asprintf(&text, "uid %u as %u, gid %u as %u, no other; setgroups deny", (unsigned)ids->uid,
		     ids->map_root ? 0 : (unsigned)ids->uid, (unsigned)ids->gid,
		     ids->map_root ? 0 : (unsigned)ids->gid) < 0) {
		text = NULL;
		return -ENOMEM;
	}
	return add_first(plan, (struct step){ .kind = STEP_OWN_USER_MAP, .value = text, .own = true });
}
