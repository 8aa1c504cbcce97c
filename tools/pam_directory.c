/* SPDX-License-Identifier: BSD-3-Clause OR GPL-2.0-or-later */

/* The service files of a directory: found and read. */

#include "common/error.h"
#include "common/read_whole.h"
#include "config/problem.h"
#include "tools/near_name.h"
#include "tools/pam_files.h"
#include "tools/pam_files_private.h"
#include "tools/pam_services.h"

#include <dirent.h>
#include <fcntl.h>
#include <fnmatch.h>
#include <limits.h>
#include <string.h>

/* Where libpam looks for a service or an include that /etc/pam.d does not have. */
static const char *const vendor_directories[] = { "/usr/lib/pam.d", "/usr/etc/pam.d" };

static const char *const leftovers[] = { "*.dpkg-*", "*.ucf-*", "*.rpm*", "*.orig", "*.bak", "*.old", "*.pam-old" };

const char *pam_file_distrust(const struct stat *stat)
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
	why = pam_file_distrust(&stat);
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

int pam_read_all(int fd, struct pam_text *ret)
{
	return read_whole(fd, PAM_FILE_BYTES_MAX, &ret->bytes, &ret->length);
}

int pam_service_open(const struct pam_directory *directory, const char *name)
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
	_cleanup_close_ int fd = pam_service_open(context, name);
	struct pam_text text = { 0 };
	struct stat stat;
	int r;

	if (fd < 0 || fstat(fd, &stat) < 0)
		return -errno;
	if (!S_ISREG(stat.st_mode))
		return S_ISDIR(stat.st_mode) ? -EISDIR : -EINVAL;
	r = pam_read_all(fd, &text);
	if (r < 0)
		return r;
	*ret_text = text.bytes;
	*ret_length = text.length;
	return 0;
}

void pam_names_release(char **names, size_t count)
{
	for (size_t i = 0; names && i < count; i++)
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

DIR *pam_open_listing(int directory_fd)
{
	int fd = openat(directory_fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	DIR *dir = fd >= 0 ? fdopendir(fd) : NULL;

	if (!dir)
		(void)close_fd(fd);
	return dir;
}

int pam_directory_list(const struct pam_directory *directory, char ***ret_names, size_t *ret_count)
{
	_cleanup_(closedirp) DIR *dir = pam_open_listing(directory->fd);
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

char *pam_directory_hint(const struct pam_directory *directory, const char *name)
{
	struct near_name near = { 0 };
	char **names = NULL;
	size_t count = 0;

	if (pam_directory_list(directory, &names, &count) < 0)
		return NULL;
	for (size_t i = 0; names && i < count; i++)
		near_name_offer(&near, name, names[i]);
	pam_names_release(names, count);
	return near_name_hint(&near);
}
