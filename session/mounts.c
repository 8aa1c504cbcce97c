/* SPDX-License-Identifier: BSD-3-Clause OR GPL-2.0-or-later */
#include "session/mounts.h"

#include "session/mount_calls.h"

#include <fcntl.h>
#include <inttypes.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>

/* Tolerates EEXIST: the usual case. */
static int make_mount_point(const struct step *step)
{
	if (step->create && mkdir(step->target, 0755) < 0 && errno != EEXIST)
		return -errno;
	return 0;
}

int mount_set_propagation(const struct step *step)
{
	struct mount_attr attributes = {
		.propagation = strcmp(step->value, "private") == 0 ? MS_PRIVATE : MS_SLAVE,
	};

	if (mount_setattr(AT_FDCWD, step->target, AT_RECURSIVE, &attributes, sizeof(attributes)) < 0)
		return -errno;
	return 0;
}

int mount_mqueue(const struct step *step)
{
	return mount_over(step->target, step->create, "mqueue", MS_NOSUID | MS_NODEV | MS_NOEXEC, NULL);
}

static int new_tmpfs(const struct step *step)
{
	char size[24], inodes[24], mode[8];
	const struct mount_option options[] = {
		{ "size", size }, { "nr_inodes", inodes }, { "mode", mode }, { "source", "nsisolate" }, { NULL, NULL },
	};

	snprintf(size, sizeof(size), "%" PRIu64, step->size);
	snprintf(inodes, sizeof(inodes), "%" PRIu64, step->inodes);
	snprintf(mode, sizeof(mode), "%04o", (unsigned)step->mode & 07777);
	return mount_new("tmpfs", options, MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV);
}

/* Over a directory that we may not enter, too, as of another user, or of root on a file server that does not believe
 * us. */
static int attach_tmpfs(const struct step *step)
{
	_cleanup_close_ int fd = new_tmpfs(step);
	int r;

	if (fd < 0)
		return fd;
	r = make_mount_point(step);
	return r < 0 ? r : mount_attach_at(fd, step->target);
}

int mount_tmpfs(const struct step *step)
{
	char options[96];
	int r;

	if (step->own)
		return attach_tmpfs(step);
	(void)snprintf(options, sizeof(options), "size=%" PRIu64 ",nr_inodes=%" PRIu64 ",mode=%04o", step->size,
		       step->inodes, (unsigned)step->mode & 07777);
	r = mount_over(step->target, step->create, "tmpfs", MS_NOSUID | MS_NODEV, options);
	return r == -EACCES ? attach_tmpfs(step) : r;
}

int mount_runtime_dir(const struct step *step)
{
	_cleanup_close_ int fd = new_tmpfs(step);
	char name[16];
	int r;

	if (fd < 0)
		return fd;
	/* still detached: nobody can reach it before it has its owner */
	snprintf(name, sizeof(name), "%u", (unsigned)step->uid);
	if (mkdirat(fd, name, 0700) < 0)
		return -errno;
	if (!step->own && fchownat(fd, name, step->uid, step->gid, AT_SYMLINK_NOFOLLOW) < 0)
		return -errno;
	r = make_mount_point(step);
	return r < 0 ? r : mount_attach_at(fd, step->target);
}
