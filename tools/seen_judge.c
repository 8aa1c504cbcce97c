/* SPDX-License-Identifier: BSD-3-Clause OR GPL-2.0-or-later */
#include "tools/seen_judge.h"

#include "session/store.h"

#include <fcntl.h>
#include <string.h>

bool step_is_seen(enum step_kind kind)
{
	return kind == STEP_MOUNT_HIDE || kind == STEP_HIDE_ENGINE || kind == STEP_MOUNT_READ_ONLY ||
	       kind == STEP_MOUNT_DIRECTORY || kind == STEP_MOUNT_BIND || kind == STEP_MOUNT_HOMES;
}

static bool is_read_only(const struct mount_entry *entry)
{
	return mount_option(entry->options, "ro") != NULL;
}

static bool is_same(const struct statx *a, const struct statx *b)
{
	return a->stx_ino == b->stx_ino && a->stx_dev_major == b->stx_dev_major && a->stx_dev_minor == b->stx_dev_minor;
}

static bool is_kept_directory(const struct step *step, const struct seen *seen)
{
	_cleanup_free_ char *path = store_path(step->uid, step->target);
	struct statx kept;

	return path && statx(AT_FDCWD, path, AT_SYMLINK_NOFOLLOW, STATX_INO, &kept) == 0 &&
	       is_same(&kept, &seen->status);
}

static const char *judge_kept(const struct step *step, const struct seen *seen)
{
	if (!seen->is_root || !is_kept_directory(step, seen))
		return "is not the directory that its plan keeps for the user";
	if (!mount_option(seen->mount->options, "nosuid") || !mount_option(seen->mount->options, "nodev"))
		return "is mounted without nosuid and nodev";
	return NULL;
}

static const char *judge_bind(const struct step *step, const struct seen *seen)
{
	struct statx source;

	if (!seen->is_root || statx(AT_FDCWD, step->value, 0, STATX_INO, &source) < 0 ||
	    !is_same(&source, &seen->status))
		return "is not the directory that its plan shows there";
	if ((step->read_only && !is_read_only(seen->mount)) ||
	    (step->nosuid && !mount_option(seen->mount->options, "nosuid")) ||
	    (step->nodev && !mount_option(seen->mount->options, "nodev")) ||
	    (step->noexec && !mount_option(seen->mount->options, "noexec")))
		return "is mounted with fewer restrictions than planned";
	return NULL;
}

static const char *judge_mask(const struct step *step, const struct seen *seen, const struct mount_list *host)
{
	const bool reads = step->kind == STEP_MOUNT_READ_ONLY;
	const bool empty = strcmp(seen->mount->type, "tmpfs") == 0 && !mounts_have_device(host, seen->mount);
	const bool dead = step->kind == STEP_HIDE_ENGINE && strcmp(seen->mount->root, "/null") == 0;

	if (!seen->is_root || !is_read_only(seen->mount) || !(reads || empty || dead))
		return reads ? "can be written to, and its plan makes it read-only"
			     : "can be seen, and its plan hides it";
	return NULL;
}

/* The home by the mount tables alone: its file system may be its user's, and never answer. */
static const char *judge_homes(const struct step *step, const struct seen *seen, const struct mount_list *mounts,
			       const struct mount_list *host)
{
	const char *wrong = judge_mask(step, seen, host);
	_cleanup_free_ char *path = NULL;
	const struct mount_entry *home;

	if (wrong)
		return "shows other homes than that of its user";
	if (!step->value)
		return NULL;
	if (asprintf(&path, "%s%s", seen->mount->target, step->value + strlen(step->target)) < 0) {
		path = NULL;
		return NULL;
	}
	home = mounts_find_on(mounts, seen->mount, path);
	if (!home)
		return "does not show the home of its user";
	return mounts_lead_to(host, path, home) ? NULL : "shows another home than its user has on the host now";
}

const char *seen_judge(const struct step *step, const struct seen *seen, const struct mount_list *mounts,
		       const struct mount_list *host)
{
	switch ((int)step->kind) {
	case STEP_MOUNT_DIRECTORY:
		return judge_kept(step, seen);
	case STEP_MOUNT_BIND:
		return judge_bind(step, seen);
	case STEP_MOUNT_HOMES:
		return judge_homes(step, seen, mounts, host);
	default:
		return judge_mask(step, seen, host);
	}
}
