/* SPDX-License-Identifier: BSD-3-Clause OR GPL-2.0-or-later */
#include "session/audit.h"

#include "session/mount_point.h"

static bool has_mount_point(const struct step *step)
{
	/* these are looked at before, etc_files_check() */
	if (step->kind == STEP_MOUNT_RESOLV_CONF || step->kind == STEP_MOUNT_HOSTS)
		return false;
	return step_place(step->kind) == PLACE_INIT && step->target && step->target[0] == '/' && !step->create &&
	       step->kind != STEP_HIDE_ENGINE;
}

static bool has_source(const struct step *step)
{
	return step->kind == STEP_MOUNT_BIND || (step->kind == STEP_MOUNT_HOMES && step->value);
}

int audit_mount_points(const struct plan *plan, const struct step **ret_failed)
{
	for (size_t i = 0; i < plan->count; i++) {
		_cleanup_close_ int fd = -1;

		if (!has_mount_point(&plan->steps[i]))
			continue;
		fd = mount_point_open(&plan->steps[i]);
		if (fd >= 0 && has_source(&plan->steps[i])) {
			close_fd(fd);
			fd = mount_source_open(&plan->steps[i]);
		}
		if (fd < 0 && !(fd == -ENOENT && plan->steps[i].optional)) {
			*ret_failed = &plan->steps[i];
			return fd;
		}
	}
	return 0;
}
