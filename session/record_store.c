/* SPDX-License-Identifier: BSD-3-Clause OR GPL-2.0-or-later */
#include "session/record_store.h"

#include "common/write_whole.h"
#include "session/join_protocol.h"

#include <fcntl.h>
#include <limits.h>
#include <string.h>
#include <sys/random.h>
#include <sys/stat.h>

/* Records looked at by one opening: a bound on what a login pays for the crashes of others. */
#define SWEEP_MAX 8
/* Of one look into the directory. */
#define NAMES_SIZE 32768

int own_directory_open(int parent, const char *name, mode_t mode)
{
	const int flags = O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC;
	_cleanup_close_ int fd = openat(parent, name, flags);
	struct stat status;

	if (fd < 0 && errno == ENOENT) {
		/* tolerates EEXIST: another login was first */
		if (mkdirat(parent, name, mode) < 0 && errno != EEXIST)
			return -errno;
		fd = openat(parent, name, flags);
	}
	if (fd < 0)
		return -errno;
	if (fstat(fd, &status) < 0)
		return -errno;
	if (status.st_uid != 0 || (status.st_mode & 022))
		return -EPERM;
	return TAKE_FD(fd);
}

int run_directory_open(const char *name, mode_t mode)
{
	_cleanup_close_ int root = own_directory_open(AT_FDCWD, RECORD_ROOT, 0755);

	return root < 0 ? root : own_directory_open(root, name, mode);
}

bool record_root_is_inside(void)
{
	struct stat status;

	return stat(RECORD_ROOT, &status) == 0 && (status.st_mode & S_ISVTX);
}

int record_directory_open(void)
{
	return run_directory_open(&RECORD_DIRECTORY[sizeof(RECORD_ROOT)], 0700);
}

int record_file_new(int directory)
{
	int fd = openat(directory, ".", O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);

	return fd < 0 ? -errno : fd;
}

static int change_lock(int file, enum record_lock which, short type)
{
	static const struct {
		off_t start, length;
	} bytes[] = {
		[RECORD_LOCK_SESSION] = { 0, 1 },
		[RECORD_LOCK_LOGIN] = { RECORD_LOGIN_BYTE, 1 },
		[RECORD_LOCK_BOTH] = { 0, RECORD_LOGIN_BYTE + 1 },
		[RECORD_LOCK_SEALED] = { RECORD_SEALED_BYTE, 1 },
	};
	struct flock lock = {
		.l_type = type,
		.l_whence = SEEK_SET,
		.l_start = bytes[which].start,
		.l_len = bytes[which].length,
	};

	return fcntl(file, F_SETLK, &lock) < 0 ? -errno : 0;
}

int record_lock(int file, enum record_lock lock)
{
	return change_lock(file, lock, F_WRLCK);
}

void record_unlock(int file, enum record_lock lock)
{
	/* giving up what one holds at the very edge of what one holds needs no memory, fcntl_locking(2) */
	(void)change_lock(file, lock, F_UNLCK);
}

int record_write(int file, const struct record *record)
{
	_cleanup_free_ char *text = record_format(record);

	return text ? write_whole(file, text, strlen(text)) : -ENOMEM;
}

/* linkat(2) names an unnamed file by descriptor with CAP_DAC_READ_SEARCH, else by its link in /proc. */
int record_publish(int directory, int file, const char *name)
{
	char path[32];

	if (linkat(file, "", directory, name, AT_EMPTY_PATH) == 0)
		return 0;
	if (errno != ENOENT)
		return -errno;
	snprintf(path, sizeof(path), "/proc/self/fd/%d", file);
	return linkat(AT_FDCWD, path, directory, name, AT_SYMLINK_FOLLOW) < 0 ? -errno : 0;
}

int record_remove(const char *name)
{
	char path[sizeof(RECORD_DIRECTORY) + 1 + RECORD_NAME_MAX];

	snprintf(path, sizeof(path), RECORD_DIRECTORY "/%s", name);
	return unlink(path) < 0 && errno != ENOENT ? -errno : 0;
}

/* A record is linked only after its init holds the lock, so a free lock means that the session ended. */
static void sweep_one(int directory, const char *name)
{
	_cleanup_close_ int fd = openat(directory, name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
	struct record_view view;
	pid_t init;

	if (fd < 0 || record_alive(fd, &init) != 0)
		return;
	/* what it says is read first: where its socket is */
	if (record_view_read(directory, name, &view) == 0) {
		if (view.valid && *view.record.login == '\0')
			join_listener_remove(view.record.uid, view.record.policy_hash, view.record.id);
		record_release(&view.record);
	}
	(void)unlinkat(directory, name, 0);
}

static size_t any_below(size_t count)
{
	unsigned number = 0;

	return getrandom(&number, sizeof(number), GRND_NONBLOCK) == sizeof(number) ? number % count : 0;
}

/*
 * What one getdents64(2) gives of the names, any of them, into `names` of NAMES_SIZE: how many bytes. A thousand names
 * fit, and on most hosts there are no more; else each piece is as likely as another, and every record has its turn.
 */
static size_t read_names(int directory, char *names)
{
	_cleanup_free_ char *piece = malloc(NAMES_SIZE);
	size_t chosen = 0;
	ssize_t size;

	if (!piece || lseek(directory, 0, SEEK_SET) < 0)
		return 0;
	for (size_t pieces = 1; (size = getdents64(directory, piece, NAMES_SIZE)) > 0; pieces++) {
		if (pieces > 1 && any_below(pieces) != 0)
			continue;
		memcpy(names, piece, (size_t)size);
		chosen = (size_t)size;
	}
	return chosen;
}

static const struct dirent64 *entry_at(const char *names, size_t at)
{
	return (const struct dirent64 *)(const void *)(names + at);
}

void record_sweep(int directory)
{
	_cleanup_free_ char *names = malloc(NAMES_SIZE);
	const size_t size = names ? read_names(directory, names) : 0;
	size_t count = 0, swept = 0, skip;

	for (size_t at = 0; at < size; at += entry_at(names, at)->d_reclen)
		count++;
	skip = count > SWEEP_MAX ? any_below(count) : 0;
	for (size_t at = 0; at < size && swept < SWEEP_MAX; at += entry_at(names, at)->d_reclen) {
		if (skip > 0) {
			skip--;
			continue;
		}
		if (entry_at(names, at)->d_name[0] == '.')
			continue;
		sweep_one(directory, entry_at(names, at)->d_name);
		swept++;
	}
}

int random_id(char *ret, size_t length)
{
	unsigned char bytes[SESSION_ID_LENGTH / 2];
	ssize_t size = getrandom(bytes, length / 2, 0);

	if (size != (ssize_t)(length / 2))
		return size < 0 ? -errno : -EIO;
	for (size_t i = 0; i < length / 2; i++)
		snprintf(ret + 2 * i, 3, "%02x", bytes[i]);
	return 0;
}
