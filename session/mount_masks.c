/* SPDX-License-Identifier: BSD-3-Clause OR GPL-2.0-or-later */
#include "session/mounts.h"

#include "session/mount_calls.h"
#include "session/mount_mask.h"
#include "session/mount_point.h"
#include "session/trusted_path.h"

#include <fcntl.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <unistd.h>

/* Empty, and without room for anything. */
static int new_mask(void)
{
	static const struct mount_option options[] = {
		{ "size", "4k" }, { "nr_inodes", "1" }, { "mode", "0555" }, { "source", "nsisolate" }, { NULL, NULL },
	};

	return mount_new("tmpfs", options,
			 MOUNT_ATTR_RDONLY | MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV | MOUNT_ATTR_NOEXEC);
}

static int hide_directory(int target)
{
	_cleanup_close_ int mask = new_mask();

	return mask < 0 ? mask : mount_attach(mask, target);
}

/* connect(2) finds no socket there, and nodev lets nobody open the device. */
static int hide_file(int target)
{
	struct mount_attr attributes = { .attr_set = MOUNT_ATTR_RDONLY | MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV |
						     MOUNT_ATTR_NOEXEC };
	_cleanup_close_ int source = trusted_open("/dev/null");
	_cleanup_close_ int mask = -1;

	if (source < 0)
		return source;
	mask = open_tree(source, "", OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC | AT_EMPTY_PATH);
	if (mask < 0 || mount_setattr(mask, "", AT_EMPTY_PATH, &attributes, sizeof(attributes)) < 0)
		return -errno;
	return mount_attach(mask, target);
}

int mask_attach(int target)
{
	struct stat status;

	if (fstat(target, &status) < 0)
		return -errno;
	return S_ISDIR(status.st_mode) ? hide_directory(target) : hide_file(target);
}

int hide_engine(const struct step *step)
{
	_cleanup_close_ int target = -1;

	/* on most hosts there are none: the long way is for those that are there */
	if (faccessat(AT_FDCWD, step->target, F_OK, AT_SYMLINK_NOFOLLOW) < 0)
		/* where the user does not get to there is nothing to hide from them */
		return errno == ENOENT || errno == ENOTDIR || (errno == EACCES && step->own) ? 0 : -errno;
	target = trusted_open(step->target);
	if (target == -ENOENT || target == -ENOTDIR)
		return 0;
	return target < 0 ? target : mask_attach(target);
}

int mount_hide(const struct step *step)
{
	_cleanup_close_ int target = mount_point_open(step);

	if (target == -ENOENT && step->optional)
		return 0;
	return target < 0 ? target : hide_directory(target);
}

int mount_read_only(const struct step *step)
{
	struct mount_attr attributes = { .attr_set = MOUNT_ATTR_RDONLY };
	_cleanup_close_ int target = mount_point_open(step);
	_cleanup_close_ int tree = -1;

	if (target == -ENOENT && step->optional)
		return 0;
	if (target < 0)
		return target;
	tree = open_tree(target, "", OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC | AT_RECURSIVE | AT_EMPTY_PATH);
	if (tree < 0)
		return -errno;
	/* the copy: the mounts of whoever else is in this namespace may be open for writing, and nobody is in the copy
	 */
	if (mount_setattr(tree, "", AT_RECURSIVE | AT_EMPTY_PATH, &attributes, sizeof(attributes)) < 0)
		return -errno;
	return mount_attach(tree, target);
}
