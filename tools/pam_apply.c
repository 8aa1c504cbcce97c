/* SPDX-License-Identifier: BSD-3-Clause OR GPL-2.0-or-later */
#include "tools/pam_change.h"

#include <signal.h>
#include <string.h>

static void take_back(struct change *change)
{
	for (size_t i = change->count; i-- > 0;) {
		struct target *target = &change->targets[i];
		int r;

		if (target->committed) {
			r = pam_file_restore(&change->directory, &target->file, &target->pending);
			if (r < 0)
				complain("%s/%s could not be put back: %s; what it was is in %s/%s",
					 change->directory.path, target->name, strerror(-r), change->directory.path,
					 target->pending.name);
			else
				complain("%s: put back as it was", target->name);
			if (r < 0)
				continue;
		}
		pam_pending_discard(&change->directory, &target->pending);
		if (target->copy_made)
			(void)pam_copy_remove(change->state_fd, target->name);
	}
	(void)fsync(change->directory.fd);
}

static int write_copy(struct change *change, struct target *target)
{
	struct pam_text old = { 0 };
	bool had = pam_copy_read(change->state_fd, target->name, &old) >= 0;
	int r;

	pam_text_release(&old);
	r = pam_copy_write(change->state_fd, target->name, &target->plain);
	target->copy_made = r >= 0 && !had;
	return r;
}

/* Everything that can fail for lack of space or rights happens here, before the first file is replaced. */
static int prepare_all(struct change *change, bool with_copy)
{
	for (size_t i = 0; i < change->count; i++) {
		struct target *target = &change->targets[i];
		int r = 0;

		if (target->outcome != OUTCOME_CHANGE)
			continue;
		if (with_copy) {
			r = write_copy(change, target);
			if (r < 0) {
				complain("%s: the copy in %s cannot be written: %s", target->name,
					 change->options->state_dir, strerror(-r));
				return r;
			}
		}
		r = pam_file_prepare(&change->directory, &target->file, &target->next, &target->pending);
		if (r < 0) {
			complain("%s: a new file in %s cannot be written: %s", target->name, change->directory.path,
				 strerror(-r));
			return r;
		}
	}
	return 0;
}

static int commit_all(struct change *change)
{
	for (size_t i = 0; i < change->count; i++) {
		struct target *target = &change->targets[i];
		int r;

		if (target->outcome != OUTCOME_CHANGE)
			continue;
		r = pam_file_commit(&change->directory, &target->file, &target->pending);
		if (r < 0) {
			complain("%s/%s cannot be replaced: %s", change->directory.path, target->name,
				 r == -ESTALE ? "somebody else changed it at the same time; try again" : strerror(-r));
			return r;
		}
		target->committed = true;
	}
	if (fsync(change->directory.fd) < 0) {
		complain("%s: %s", change->directory.path, strerror(errno));
		return -errno;
	}
	return 0;
}

int pam_change_apply(struct change *change, bool with_copy)
{
	sigset_t all, before;
	int r;

	(void)sigfillset(&all);
	(void)sigprocmask(SIG_BLOCK, &all, &before);
	r = prepare_all(change, with_copy);
	if (r >= 0)
		r = commit_all(change);
	if (r < 0) {
		take_back(change);
		complain("nothing was changed");
	}
	for (size_t i = 0; i < change->count; i++)
		if (change->targets[i].committed)
			pam_pending_discard(&change->directory, &change->targets[i].pending);
	(void)sigprocmask(SIG_SETMASK, &before, NULL);
	return r < 0 ? PAM_EXIT_FAILED : PAM_EXIT_DONE;
}
