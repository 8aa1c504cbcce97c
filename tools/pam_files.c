/* SPDX-License-Identifier: BSD-3-Clause OR GPL-2.0-or-later */
#include "tools/pam_files.h"

#include "common/error.h"
#include "config/problem.h"
#include "tools/pam_services.h"

#include <dirent.h>
#include <fcntl.h>
#include <fnmatch.h>
#include <limits.h>
#include <string.h>
#include <sys/file.h>
#include <sys/random.h>
#include <sys/xattr.h>
#include <time.h>

#define PENDING_MARK  ".nsisolate-"
#define LOCK_TRIES    100
#define LOCK_PAUSE_NS (100 * 1000 * 1000)
#define XATTR_BYTES   65536

/* Where libpam looks for a service or an include that /etc/pam.d does not have. */
static const char *const vendor_directories[] = { "/usr/lib/pam.d", "/usr/etc/pam.d" };

static const char *const leftovers[] = { "*.dpkg-*", "*.ucf-*", "*.rpm*", "*.orig", "*.bak", "*.old", "*.pam-old" };

/* What another user could have written, or can write, is refused. NULL: trusted. */
static const char *distrust(const struct stat *stat)
{
	if (stat->st_uid != 0 && stat->st_uid != geteuid())
		return "does not belong to root; change its owner: chown root:root";
	if (stat->st_mode & (S_IWGRP | S_IWOTH))
		return "can be written by others than its owner; take that away: chmod go-w";
	return NULL;
}

int pam_directory_open(const char *path, bool vendor, struct pam_directory *ret, char **ret_problem)
{
	_cleanup_close_ int fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	_cleanup_free_ char *copy = NULL;
	const char *why;
	struct stat stat;

	if (fd < 0 || fstat(fd, &stat) < 0)
		return problem(ret_problem, -errno, "%s: %s", path, strerror(errno));
	why = distrust(&stat);
	if (why)
		return problem(ret_problem, -EPERM, "%s: the directory %s %s", path, why, path);
	copy = strdup(path);
	if (!copy)
		return problem(ret_problem, -ENOMEM, "%s", strerror(ENOMEM));
	*ret = (struct pam_directory){ .fd = TAKE_FD(fd), .path = TAKE_PTR(copy), .vendor = vendor };
	return 0;
}

void pam_directory_release(struct pam_directory *directory)
{
	directory->fd = close_fd(directory->fd);
	free(directory->path);
	directory->path = NULL;
}

static int read_all(int fd, struct pam_text *ret)
{
	_cleanup_free_ char *bytes = malloc(PAM_FILE_BYTES_MAX + 1);
	size_t length = 0;

	if (!bytes)
		return -ENOMEM;
	while (length <= PAM_FILE_BYTES_MAX) {
		ssize_t got = pread(fd, bytes + length, PAM_FILE_BYTES_MAX + 1 - length, (off_t)length);

		if (got < 0 && errno == EINTR)
			continue;
		if (got < 0)
			return -errno;
		if (got == 0)
			break;
		length += (size_t)got;
	}
	if (length > PAM_FILE_BYTES_MAX)
		return -EFBIG;

	char *fitting = realloc(bytes, length + 1);

	if (fitting)
		bytes = fitting;
	ret->bytes = TAKE_PTR(bytes);
	ret->length = length;
	return 0;
}

static int open_service(const struct pam_directory *directory, const char *name)
{
	/* O_NONBLOCK: a FIFO must not hold us up */
	const int flags = O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY;
	int fd = openat(directory->fd, name, flags);

	if (fd >= 0 || !directory->vendor || name[0] == '/' || errno != ENOENT)
		return fd;
	for (size_t i = 0; i < ELEMENTS(vendor_directories); i++) {
		char path[PATH_MAX];

		if (snprintf(path, sizeof(path), "%s/%s", vendor_directories[i], name) >= (int)sizeof(path))
			continue;
		fd = open(path, flags);
		if (fd >= 0)
			return fd;
	}
	errno = ENOENT;
	return -1;
}

int pam_directory_read(void *context, const char *name, char **ret_text, size_t *ret_length)
{
	_cleanup_close_ int fd = open_service(context, name);
	struct pam_text text;
	struct stat stat;
	int r;

	if (fd < 0 || fstat(fd, &stat) < 0)
		return -errno;
	if (!S_ISREG(stat.st_mode))
		return S_ISDIR(stat.st_mode) ? -EISDIR : -EINVAL;
	r = read_all(fd, &text);
	if (r < 0)
		return r;
	*ret_text = text.bytes;
	*ret_length = text.length;
	return 0;
}

void pam_names_release(char **names, size_t count)
{
	for (size_t i = 0; i < count; i++)
		free(names[i]);
	free(names);
}

static bool is_service(const char *name)
{
	if (!pam_service_name_valid(name) || pam_service_is_shared(name))
		return false;
	for (size_t i = 0; i < ELEMENTS(leftovers); i++)
		if (fnmatch(leftovers[i], name, 0) == 0)
			return false;
	return true;
}

static int list_add(DIR *dir, char ***names, size_t *count)
{
	const struct dirent *entry;

	while ((errno = 0, entry = readdir(dir))) {
		char **grown;

		if (!is_service(entry->d_name) || entry->d_type == DT_DIR)
			continue;
		grown = reallocarray(*names, *count + 1, sizeof(*grown));
		if (!grown)
			return -ENOMEM;
		*names = grown;
		grown[*count] = strdup(entry->d_name);
		if (!grown[*count])
			return -ENOMEM;
		(*count)++;
	}
	return -errno;
}

static int compare_names(const void *left, const void *right)
{
	return strcmp(*(char *const *)left, *(char *const *)right);
}

static void drop_doubles(char **names, size_t *count)
{
	size_t kept = 0;

	for (size_t i = 0; i < *count; i++) {
		if (kept && !strcmp(names[kept - 1], names[i]))
			free(names[i]);
		else
			names[kept++] = names[i];
	}
	*count = kept;
}

static DIR *open_listing(int directory_fd)
{
	int fd = openat(directory_fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	DIR *dir = fd >= 0 ? fdopendir(fd) : NULL;

	if (!dir)
		(void)close_fd(fd);
	return dir;
}

int pam_directory_list(const struct pam_directory *directory, char ***ret_names, size_t *ret_count)
{
	_cleanup_(closedirp) DIR *dir = open_listing(directory->fd);
	char **names = NULL;
	size_t count = 0;
	int r;

	if (!dir)
		return negative_errno();
	r = list_add(dir, &names, &count);
	for (size_t i = 0; r >= 0 && directory->vendor && i < ELEMENTS(vendor_directories); i++) {
		_cleanup_(closedirp) DIR *vendor = opendir(vendor_directories[i]);

		/* most systems have none */
		if (vendor)
			r = list_add(vendor, &names, &count);
	}
	if (r < 0) {
		pam_names_release(names, count);
		return r;
	}
	if (count)
		qsort(names, count, sizeof(*names), compare_names);
	drop_doubles(names, &count);
	*ret_names = names;
	*ret_count = count;
	return 0;
}

void pam_file_release(struct pam_file *file)
{
	file->fd = close_fd(file->fd);
	free(file->name);
	file->name = NULL;
	pam_text_release(&file->text);
}

static int load_refused(const struct pam_directory *directory, const char *name, int error, char **ret_problem)
{
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
	vendor = error == ENOENT ? open_service(directory, name) : -1;
	if (vendor >= 0) {
		close_fd(vendor);
		return problem(ret_problem, -ENOENT,
			       "%s/%s does not exist: PAM takes the vendor's file for '%s'; copy it to %s/%s first",
			       directory->path, name, name, directory->path, name);
	}
	return problem(ret_problem, -error, "%s/%s: %s", directory->path, name, strerror(error));
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
	else if ((why = distrust(&file.stat)))
		r = problem(ret_problem, -EPERM, "%s/%s %s %s/%s", directory->path, name, why, directory->path, name);
	else if (file.stat.st_nlink > 1)
		r = problem(
			ret_problem, -EMLINK,
			"%s/%s has %lu names (hard links), and an edit would part them; put a copy in its place first",
			directory->path, name, (unsigned long)file.stat.st_nlink);
	else if ((r = read_all(file.fd, &file.text)) < 0)
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

static int write_all(int fd, const struct pam_text *text)
{
	for (size_t at = 0; at < text->length;) {
		ssize_t put = write(fd, text->bytes + at, text->length - at);

		if (put < 0 && errno != EINTR)
			return -errno;
		if (put > 0)
			at += (size_t)put;
	}
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

/* 0 and the name of a synced new file in the directory, or -errno and nothing. */
static int write_pending(int directory_fd, const char *name, const struct pam_text *text, const struct pam_file *like,
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
	r = write_all(fd, text);
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
	return write_pending(directory->fd, file->name, text, file, &ret->name);
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
	_cleanup_(closedirp) DIR *dir = open_listing(directory_fd);
	const struct dirent *entry;

	if (!dir)
		return;
	while ((entry = readdir(dir)))
		if (fnmatch(".?*" PENDING_MARK "????????????????", entry->d_name, 0) == 0)
			(void)unlinkat(directory_fd, entry->d_name, 0);
}

static int make_state(const char *path)
{
	_cleanup_free_ char *parent = strdup(path);
	char *slash = parent ? strrchr(parent, '/') : NULL;

	if (!parent)
		return -ENOMEM;
	if (slash && slash != parent) {
		*slash = '\0';
		/* 0711: below it are also the directories that users' sessions keep */
		if (mkdir(parent, 0711) < 0 && errno != EEXIST)
			return -errno;
	}
	return mkdir(path, 0700) < 0 && errno != EEXIST ? -errno : 0;
}

static int take_lock(int fd)
{
	for (int i = 0; i < LOCK_TRIES; i++) {
		const struct timespec pause = { .tv_nsec = LOCK_PAUSE_NS };

		if (flock(fd, LOCK_EX | LOCK_NB) == 0)
			return 0;
		if (errno != EWOULDBLOCK && errno != EINTR)
			return -errno;
		(void)nanosleep(&pause, NULL);
	}
	return -EWOULDBLOCK;
}

int pam_state_open(const char *path, bool create, int *ret_fd, char **ret_problem)
{
	_cleanup_close_ int fd = -1;
	struct stat stat;
	int r = create ? make_state(path) : 0;

	if (r < 0)
		return problem(ret_problem, r, "%s cannot be made: %s", path, strerror(-r));
	fd = open(path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (fd < 0 || fstat(fd, &stat) < 0)
		return problem(ret_problem, -errno, "%s: %s", path, strerror(errno));
	if ((stat.st_uid != 0 && stat.st_uid != geteuid()) || stat.st_mode & 0077)
		return problem(ret_problem, -EPERM,
			       "%s, which keeps copies of PAM files, must belong to root and be closed to others: "
			       "chown root:root %s; chmod 0700 %s",
			       path, path, path);
	r = take_lock(fd);
	if (r == -EWOULDBLOCK)
		return problem(ret_problem, r, "another nsisolate-pam is at work (it holds the lock of %s)", path);
	if (r < 0)
		return problem(ret_problem, r, "%s cannot be locked: %s", path, strerror(-r));
	*ret_fd = TAKE_FD(fd);
	return 0;
}

int pam_copy_write(int state_fd, const char *service, const struct pam_text *text)
{
	_cleanup_free_ char *pending = NULL;
	int r;

	r = write_pending(state_fd, service, text, NULL, &pending);
	if (r < 0)
		return r;
	if (renameat(state_fd, pending, state_fd, service) < 0) {
		r = -errno;
		(void)unlinkat(state_fd, pending, 0);
		return r;
	}
	return fsync(state_fd) < 0 ? -errno : 0;
}

int pam_copy_read(int state_fd, const char *service, struct pam_text *ret)
{
	_cleanup_close_ int fd = openat(state_fd, service, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);

	return fd < 0 ? -errno : read_all(fd, ret);
}

int pam_copy_remove(int state_fd, const char *service)
{
	return unlinkat(state_fd, service, 0) < 0 ? -errno : fsync(state_fd) < 0 ? -errno : 0;
}
