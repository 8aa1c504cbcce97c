/* SPDX-License-Identifier: BSD-3-Clause OR GPL-2.0-or-later */
#include "session/apply.h"

#include "session/etc_files.h"
#include "session/loopback.h"
#include "session/mount_homes.h"
#include "session/mount_trees.h"
#include "session/mounts.h"
#include "session/network_new.h"
#include "session/uts.h"

/* The steps of place init; every other kind has nothing here. */
static const struct {
	int (*apply)(const struct step *step);
	/* instead: a descriptor, made before the first step that is not `early`; and what is done with it */
	int (*prepare)(const struct step *step);
	int (*finish)(const struct step *step, int tree);
	bool early;  /* before anything is prepared */
	bool passed; /* the init itself does it, whoever did the others */
	bool enters; /* a namespace that the helper has made meanwhile */
} kinds[STEP_KINDS] = {
	[STEP_PROPAGATION] = { .apply = mount_set_propagation, .early = true },
	[STEP_HIDE_PROCS] = { .apply = hide_procs, .early = true },
	[STEP_NETWORK_NEW] = { .enters = true },
	[STEP_LOOPBACK_UP] = { .apply = loopback_up },
	[STEP_HOSTNAME] = { .apply = apply_hostname },
	[STEP_DOMAINNAME] = { .apply = apply_domainname },
	[STEP_MOUNT_PROC] = { .apply = mount_proc },
	[STEP_MOUNT_SYS] = { .apply = mount_sys },
	[STEP_MOUNT_CGROUPS] = { .apply = mount_cgroups },
	[STEP_MOUNT_MQUEUE] = { .apply = mount_mqueue },
	[STEP_MOUNT_TMPFS] = { .apply = mount_tmpfs },
	[STEP_MOUNT_RUNTIME_DIR] = { .apply = mount_runtime_dir },
	[STEP_MOUNT_HIDE] = { .apply = mount_hide },
	[STEP_HIDE_ENGINE] = { .apply = hide_engine },
	[STEP_MOUNT_READ_ONLY] = { .apply = mount_read_only },
	[STEP_MOUNT_DIRECTORY] = { .prepare = tree_of_store, .finish = tree_attach },
	[STEP_MOUNT_BIND] = { .prepare = tree_of_source, .finish = tree_attach },
	[STEP_LOCK_MOUNTS] = { .passed = true },
	[STEP_MOUNT_HOMES] = { .prepare = homes_prepare, .finish = homes_finish },
	[STEP_MOUNT_RESOLV_CONF] = { .apply = mount_etc_file },
	[STEP_MOUNT_HOSTS] = { .apply = mount_etc_file },
};

static int run(const struct step *step, int helper, int tree)
{
	if (kinds[step->kind].enters)
		return helper < 0 ? 0 : network_new_enter(helper);
	if (kinds[step->kind].finish)
		return kinds[step->kind].finish(step, tree);
	return kinds[step->kind].apply ? kinds[step->kind].apply(step) : -ENOSYS;
}

enum pass { PASS_EARLY, PASS_PREPARE, PASS_REST, PASSES };

static int run_in_pass(enum pass pass, const struct step *step, int helper, int *tree)
{
	int r;

	if (step_place(step->kind) != PLACE_INIT || kinds[step->kind].passed)
		return 0;
	if (pass != PASS_PREPARE)
		return kinds[step->kind].early == (pass == PASS_EARLY) ? run(step, helper, *tree) : 0;
	if (!kinds[step->kind].prepare)
		return 0;
	r = kinds[step->kind].prepare(step);
	if (r < 0)
		return r;
	*tree = r;
	return 0;
}

/* A source is where a bind can fail first, and a home where homes can. */
static const char *object_of(enum pass pass, const struct step *step)
{
	if (pass == PASS_PREPARE && step->value && (step->kind == STEP_MOUNT_BIND || step->kind == STEP_MOUNT_HOMES))
		return step->value;
	return step->target ? step->target : step->value;
}

int apply_init_steps(const struct plan *plan, int helper, const struct step **ret_failed, const char **ret_object)
{
	int *trees = calloc(plan->count + 1, sizeof(*trees));
	int r = trees ? 0 : -ENOMEM;

	*ret_failed = plan->steps;
	*ret_object = NULL;
	for (size_t i = 0; r == 0 && i < plan->count; i++)
		trees[i] = -1;
	for (enum pass pass = PASS_EARLY; r == 0 && pass < PASSES; pass++) {
		for (size_t i = 0; r == 0 && i < plan->count; i++) {
			*ret_failed = &plan->steps[i];
			*ret_object = object_of(pass, &plan->steps[i]);
			r = run_in_pass(pass, &plan->steps[i], helper, &trees[i]);
		}
	}
	for (size_t i = 0; trees && i < plan->count; i++)
		close_fd(trees[i]);
	free(trees);
	/* mount_over() leaves us where it mounted last */
	if (r == 0 && chdir("/") < 0)
		r = -errno;
	return r;
}
