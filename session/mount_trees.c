/* SPDX-License-Identifier: BSD-3-Clause OR GPL-2.0-or-later */
#include "session/mount_trees.h"

#include "session/mount_calls.h"
#include "session/mount_point.h"
#include "session/store.h"

#include <fcntl.h>
#include <sys/mount.h>

/* A detached copy of the mount at `source`; recursive: AT_RECURSIVE for what is mounted below it, too. */
static int copy_tree(int source, int recursive, uint64_t attributes)
{
	struct mount_attr set = { .attr_set = attributes };
	_cleanup_close_ int tree =
		open_tree(source, "", OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC | AT_EMPTY_PATH | (unsigned)recursive);

	if (tree < 0 || mount_setattr(tree, "", AT_EMPTY_PATH | (unsigned)recursive, &set, sizeof(set)) < 0)
		return -errno;
	return TAKE_FD(tree);
}

int tree_of_store(const struct step *step)
{
	_cleanup_close_ int source = store_open(step->uid, step->value, step->target);

	return source < 0 ? source : copy_tree(source, 0, MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV);
}

int tree_of_source(const struct step *step)
{
	_cleanup_close_ int source = mount_source_open(step);

	return source < 0
		       ? source
		       : copy_tree(source, AT_RECURSIVE,
				   (step->read_only ? MOUNT_ATTR_RDONLY : 0) | (step->nosuid ? MOUNT_ATTR_NOSUID : 0) |
					   (step->nodev ? MOUNT_ATTR_NODEV : 0) |
					   (step->noexec ? MOUNT_ATTR_NOEXEC : 0));
}

int tree_attach(const struct step *step, int tree)
{
	_cleanup_close_ int target = mount_point_open(step);

	return target < 0 ? target : mount_attach(tree, target);
}
