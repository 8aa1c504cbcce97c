/* SPDX-License-Identifier: BSD-3-Clause OR GPL-2.0-or-later */

/* One service file: judged, and replaced by a new text in one rename that can be taken back. */

#include "tools/pam_files.h"

#include "common/error.h"
#include "common/write_whole.h"
#include "config/problem.h"
#include "tools/pam_files_private.h"

#include <fcntl.h>
#include <fnmatch.h>
#include <limits.h>
#include <string.h>
#include <sys/random.h>
#include <sys/xattr.h>

#define PENDING_MARK ".nsisolate-"
#define XATTR_BYTES  65536

void pam_file_release(struct pam_file *file)
{
	file->fd = close_fd(file->fd);
	free(file->name);
	file->name = NULL;
	pam_text_release(&file->text);
}

static int load_refused(const struct pam_directory *directory, const char *name, int error, char **ret_problem)
{
	_cleanup_free_ char *hint = NULL;
	char target[PATH_MAX];
	ssize_t length;
	int vendor;

	if (error == ELOOP) {
		length = readlinkat(directory->fd, name, target, sizeof(target) - 1);
		target[length > 0 ? length : 0] = '\0';
		return problem(
			ret_problem, -ELOOP,
			"%s/%s is a symbolic link to '%s', written by another tool (authselect?), which would undo "
			"the change or share it with other services; put a copy of the file in its place first",
			directory->path, name, target);
	}
	vendor = error == ENOENT ? pam_service_open(directory, name) : -1;
	if (vendor >= 0) {
		close_fd(vendor);
		return problem(ret_problem, -ENOENT,
			       "%s/%s does not exist: PAM takes the vendor's file for '%s'; copy it to %s/%s first",
			       directory->path, name, name, directory->path, name);
	}
	if (error == ENOENT)
		hint = pam_directory_hint(directory, name);
	return problem(ret_problem, -error, "%s/%s: %s%s", directory->path, name, strerror(error), hint ? hint : "");
}

int pam_file_load(const struct pam_directory *directory, const char *name, struct pam_file *ret, char **ret_problem)
{
	struct pam_file file = { .fd = -1 };
	const char *why;
	int r;

	file.fd = openat(directory->fd, name, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY | O_NOFOLLOW);
	if (file.fd < 0)
		return load_refused(directory, name, errno, ret_problem);
	if (fstat(file.fd, &file.stat) < 0)
		r = problem(ret_problem, -errno, "%s/%s: %s", directory->path, name, strerror(errno));
	else if (!S_ISREG(file.stat.st_mode))
		r = problem(ret_problem, -EINVAL, "%s/%s is not a regular file", directory->path, name);
	else if ((why = pam_file_distrust(&file.stat)))
		r = problem(ret_problem, -EPERM, "%s/%s %s %s/%s", directory->path, name, why, directory->path, name);
	else if (file.stat.st_nlink > 1)
		r = problem(
			ret_problem, -EMLINK,
			"%s/%s has %lu names (hard links), and an edit would part them; put a copy in its place first",
			directory->path, name, (unsigned long)file.stat.st_nlink);
	else if ((r = pam_read_all(file.fd, &file.text)) < 0)
		r = problem(ret_problem, r, "%s/%s: %s", directory->path, name, strerror(-r));
	else if (!(file.name = strdup(name)))
		r = problem(ret_problem, -ENOMEM, "%s", strerror(ENOMEM));
	if (r < 0) {
		pam_file_release(&file);
		return r;
	}
	*ret = file;
	return 0;
}

/*
 * The SELinux label, access control lists and whatever else hangs on the file. Hashes of
 * the content (IMA, EVM) would not fit the new one and are left out. A filesystem
 * without extended attributes has none to lose.
 */
static int copy_attributes(int from, int to)
{
	_cleanup_free_ char *names = malloc(XATTR_BYTES), *value = malloc(XATTR_BYTES);
	ssize_t length;

	if (!names || !value)
		return -ENOMEM;
	length = flistxattr(from, names, XATTR_BYTES);
	if (length < 0)
		return errno == ENOTSUP ? 0 : -errno;
	for (const char *name = names; name < names + length; name += strlen(name) + 1) {
		ssize_t size;

		if (!strcmp(name, "security.ima") || !strcmp(name, "security.evm"))
			continue;
		size = fgetxattr(from, name, value, XATTR_BYTES);
		if (size < 0 || fsetxattr(to, name, value, (size_t)size, 0) < 0)
			return -errno;
	}
	return 0;
}

/* A name that no service has: pam_start(3) makes service names lower case. */
static int pending_name(const char *name, char **ret)
{
	unsigned long random;

	if (getrandom(&random, sizeof(random), 0) != sizeof(random))
		return negative_errno();
	return asprintf(ret, ".%s" PENDING_MARK "%016lX", name, random) < 0 ? -ENOMEM : 0;
}

int pam_pending_write(int directory_fd, const char *name, const struct pam_text *text, const struct pam_file *like,
		      char **ret)
{
	_cleanup_free_ char *pending = NULL;
	_cleanup_close_ int fd = -1;
	int r;

	r = pending_name(name, &pending);
	if (r < 0)
		return r;
	fd = openat(directory_fd, pending, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
	if (fd < 0)
		return negative_errno();
	r = write_whole(fd, text->bytes, text->length);
	if (r >= 0 && like &&
	    (fchown(fd, like->stat.st_uid, like->stat.st_gid) < 0 || fchmod(fd, like->stat.st_mode & 07777) < 0))
		r = -errno;
	if (r >= 0 && like)
		r = copy_attributes(like->fd, fd);
	if (r >= 0 && fsync(fd) < 0)
		r = -errno;
	if (r < 0) {
		(void)unlinkat(directory_fd, pending, 0);
		return r;
	}
	*ret = TAKE_PTR(pending);
	return 0;
}

int pam_file_prepare(const struct pam_directory *directory, const struct pam_file *file, const struct pam_text *text,
		     struct pam_pending *ret)
{
	return pam_pending_write(directory->fd, file->name, text, file, &ret->name);
}

/* Is what stands under `name` still what was loaded? (ctime changes with a rename of the file itself.) */
static bool is_loaded(const struct pam_directory *directory, const char *name, const struct pam_file *file)
{
	const struct stat *was = &file->stat;
	struct stat is;

	return fstatat(directory->fd, name, &is, AT_SYMLINK_NOFOLLOW) == 0 && is.st_dev == was->st_dev &&
	       is.st_ino == was->st_ino && is.st_size == was->st_size && is.st_mode == was->st_mode &&
	       is.st_uid == was->st_uid && is.st_gid == was->st_gid && is.st_mtim.tv_sec == was->st_mtim.tv_sec &&
	       is.st_mtim.tv_nsec == was->st_mtim.tv_nsec;
}

/* Without RENAME_EXCHANGE: a second name keeps the old file. */
static int replace_by_link(const struct pam_directory *directory, const struct pam_file *file,
			   struct pam_pending *pending)
{
	_cleanup_free_ char *old = NULL;
	int r;

	r = pending_name(file->name, &old);
	if (r < 0)
		return r;
	if (linkat(directory->fd, file->name, directory->fd, old, 0) < 0)
		return -errno;
	if (renameat(directory->fd, pending->name, directory->fd, file->name) < 0) {
		r = -errno;
		(void)unlinkat(directory->fd, old, 0);
		return r;
	}
	free(pending->name);
	pending->name = TAKE_PTR(old);
	return 0;
}

int pam_file_commit(const struct pam_directory *directory, const struct pam_file *file, struct pam_pending *pending)
{
	int r = 0;

	if (!is_loaded(directory, file->name, file))
		return -ESTALE;
	if (renameat2(directory->fd, pending->name, directory->fd, file->name, RENAME_EXCHANGE) < 0)
		r = errno == EINVAL || errno == ENOSYS ? replace_by_link(directory, file, pending) : -errno;
	if (r < 0)
		return r;
	/* an editor that was faster than the check above is given its file back */
	if (!is_loaded(directory, pending->name, file)) {
		r = pam_file_restore(directory, file, pending);
		return r < 0 ? r : -ESTALE;
	}
	return 0;
}

int pam_file_restore(const struct pam_directory *directory, const struct pam_file *file, struct pam_pending *pending)
{
	if (renameat(directory->fd, pending->name, directory->fd, file->name) < 0)
		return -errno;
	free(pending->name);
	pending->name = NULL;
	return 0;
}

void pam_pending_discard(const struct pam_directory *directory, struct pam_pending *pending)
{
	if (pending->name)
		(void)unlinkat(directory->fd, pending->name, 0);
	free(pending->name);
	pending->name = NULL;
}

void pam_files_sweep(int directory_fd)
{
	_cleanup_(closedirp) DIR *dir = pam_open_listing(directory_fd);
	const struct dirent *entry;

	if (!dir)
		return;
	while ((entry = readdir(dir)))
		if (fnmatch(".?*" PENDING_MARK "????????????????", entry->d_name, 0) == 0)
			(void)unlinkat(directory_fd, entry->d_name, 0);
}
