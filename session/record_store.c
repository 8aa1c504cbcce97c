/* SPDX-License-Identifier: BSD-3-Clause OR GPL-2.0-or-later */
#include "session/record_store.h"

#include <fcntl.h>
#include <limits.h>
#include <string.h>
#include <sys/random.h>
#include <sys/stat.h>

/* Records looked at by one opening: a bound on what a login pays for the crashes of others. */
#define SWEEP_MAX 8

/*
 * Opens `name` below `parent`, made with `mode` when missing. Judged by descriptor: a directory
 * that root alone can write.
 */
static int open_own_directory(int parent, const char *name, mode_t mode)
{
	_cleanup_close_ int fd = -1;
	struct stat status;

	/* tolerates EEXIST: the usual case */
	if (mkdirat(parent, name, mode) < 0 && errno != EEXIST)
		return -errno;
	fd = openat(parent, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (fd < 0)
		return -errno;
	if (fstat(fd, &status) < 0)
		return -errno;
	if (status.st_uid != 0 || (status.st_mode & 022))
		return -EPERM;
	return TAKE_FD(fd);
}

int record_directory_open(void)
{
	_cleanup_close_ int root = open_own_directory(AT_FDCWD, RECORD_ROOT, 0755);

	if (root < 0)
		return root;
	return open_own_directory(root, &RECORD_DIRECTORY[sizeof(RECORD_ROOT)], 0700);
}

int record_file_new(int directory)
{
	int fd = openat(directory, ".", O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);

	return fd < 0 ? -errno : fd;
}

int record_lock(int file)
{
	struct flock lock = { .l_type = F_WRLCK, .l_whence = SEEK_SET };

	return fcntl(file, F_SETLK, &lock) < 0 ? -errno : 0;
}

static int write_all(int fd, const char *text, size_t size)
{
	while (size > 0) {
		ssize_t written = write(fd, text, size);

		if (written < 0 && errno == EINTR)
			continue;
		if (written < 0)
			return -errno;
		text += written;
		size -= (size_t)written;
	}
	return 0;
}

int record_write(int file, const struct record *record)
{
	_cleanup_free_ char *text = record_format(record);

	return text ? write_all(file, text, strlen(text)) : -ENOMEM;
}

/* linkat(2) names an unnamed file by descriptor with CAP_DAC_READ_SEARCH, else by its link in /proc. */
int record_publish(int directory, int file, const char *id)
{
	char path[32];

	if (linkat(file, "", directory, id, AT_EMPTY_PATH) == 0)
		return 0;
	if (errno != ENOENT)
		return -errno;
	snprintf(path, sizeof(path), "/proc/self/fd/%d", file);
	return linkat(AT_FDCWD, path, directory, id, AT_SYMLINK_FOLLOW) < 0 ? -errno : 0;
}

int record_remove(const char *id)
{
	char path[sizeof(RECORD_DIRECTORY) + 1 + SESSION_ID_LENGTH];

	snprintf(path, sizeof(path), RECORD_DIRECTORY "/%s", id);
	return unlink(path) < 0 && errno != ENOENT ? -errno : 0;
}

/* A record is linked only after its init holds the lock, so a free lock means that the session ended. */
static void sweep_one(int directory, const char *name)
{
	_cleanup_close_ int fd = openat(directory, name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
	pid_t init;

	if (fd >= 0 && record_alive(fd, &init) == 0)
		(void)unlinkat(directory, name, 0);
}

void record_sweep(int directory)
{
	_cleanup_(closedirp) DIR *stream = NULL;
	struct dirent *entry;
	unsigned skip = 0;
	size_t names = 0, seen = 0, swept = 0;
	int copy = openat(directory, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	stream = copy < 0 ? NULL : fdopendir(copy);
	if (!stream) {
		close_fd(copy);
		return;
	}
	while (readdir(stream))
		names++;
	rewinddir(stream);
	if (names > SWEEP_MAX && getrandom(&skip, sizeof(skip), GRND_NONBLOCK) == sizeof(skip))
		skip %= (unsigned)names;
	while (swept < SWEEP_MAX && (entry = readdir(stream))) {
		if (seen++ < skip || entry->d_name[0] == '.')
			continue;
		sweep_one(directory, entry->d_name);
		swept++;
	}
}

int session_id_new(char ret[SESSION_ID_LENGTH + 1])
{
	unsigned char bytes[SESSION_ID_LENGTH / 2];
	ssize_t size = getrandom(bytes, sizeof(bytes), 0);

	if (size != sizeof(bytes))
		return size < 0 ? -errno : -EIO;
	for (size_t i = 0; i < sizeof(bytes); i++)
		snprintf(ret + 2 * i, 3, "%02x", bytes[i]);
	return 0;
}
