/* SPDX-License-Identifier: BSD-3-Clause OR GPL-2.0-or-later */
#include "session/apply.h"

#include "session/etc_files.h"
#include "session/loopback.h"
#include "session/mounts.h"
#include "session/uts.h"

typedef int (*apply_fn)(const struct step *step);

/* The steps of place init; every other kind has no function here. */
static const apply_fn apply_table[STEP_KINDS] = {
	[STEP_PROPAGATION] = mount_set_propagation,
	[STEP_LOOPBACK_UP] = loopback_up,
	[STEP_HOSTNAME] = apply_hostname,
	[STEP_DOMAINNAME] = apply_domainname,
	[STEP_MOUNT_PROC] = mount_proc,
	[STEP_MOUNT_SYS] = mount_sys,
	[STEP_MOUNT_MQUEUE] = mount_mqueue,
	[STEP_MOUNT_TMPFS] = mount_tmpfs,
	[STEP_MOUNT_RUNTIME_DIR] = mount_runtime_dir,
	[STEP_MOUNT_RESOLV_CONF] = mount_etc_file,
	[STEP_MOUNT_HOSTS] = mount_etc_file,
};

int apply_init_steps(const struct plan *plan, const struct step **ret_failed)
{
	for (size_t i = 0; i < plan->count; i++) {
		const struct step *step = &plan->steps[i];
		int r;

		if (step_place(step->kind) != PLACE_INIT)
			continue;
		r = apply_table[step->kind] ? apply_table[step->kind](step) : -ENOSYS;
		if (r < 0) {
			*ret_failed = step;
			return r;
		}
	}
	return 0;
}
