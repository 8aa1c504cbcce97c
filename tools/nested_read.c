/* SPDX-License-Identifier: BSD-3-Clause OR GPL-2.0-or-later */
#include "tools/nested_read.h"

#include "common/error.h"
#include "common/read_whole.h"
#include "common/write_whole.h"
#include "session/process.h"
#include "session/syscalls.h"
#include "tools/pid_namespace.h"
#include "tools/process_info.h"

#include <fcntl.h>
#include <linux/magic.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/vfs.h>

struct directory_id {
	dev_t device;
	ino_t inode;
};

/* A session that is looked into, or will be. */
struct found {
	struct nested_place place;
	size_t depth;
	uint32_t number;
};

struct reading {
	const struct nested_place *known;
	size_t known_count;
	struct nested_answer *answer;
	struct found found[NESTED_SESSIONS_MAX + 1]; /* the first is the one that was asked about */
	size_t count;
	struct directory_id seen[NESTED_SESSIONS_MAX + 2]; /* directories, the reader's own first */
	size_t seen_count;
	size_t text_size;
	enum nested_cut cut;
};

void nested_flush(struct nested_answer *answer)
{
	/* nobody reads any more */
	if (write_whole(answer->pipe, answer->bytes, answer->size) < 0)
		_exit(1);
	answer->size = 0;
}

/* Whoever listens is woken once for many sessions in which there is nothing. */
static void say(struct nested_answer *answer, const void *data, size_t size)
{
	const char *at = data;

	while (size > 0) {
		size_t room = sizeof(answer->bytes) - answer->size;
		size_t some = size < room ? size : room;

		memcpy(answer->bytes + answer->size, at, some);
		answer->size += some;
		at += some;
		size -= some;
		if (answer->size == sizeof(answer->bytes))
			nested_flush(answer);
	}
}

static void note(struct reading *reading, enum nested_cut cut)
{
	if (reading->cut == NESTED_WHOLE)
		reading->cut = cut;
}

static int open_in(int directory, const char *path, uint64_t flags, uint64_t resolve)
{
	const struct open_how how = {
		.flags = flags | O_CLOEXEC,
		.resolve = resolve | RESOLVE_NO_SYMLINKS | RESOLVE_NO_MAGICLINKS,
	};
	int fd = sys_openat2(directory, path, &how);

	return fd < 0 ? -errno : fd;
}

/* The directory is new to us; -EEXIST: it is the reader's own, or has been looked into. */
static int see(struct reading *reading, const struct stat *status)
{
	for (size_t i = 0; i < reading->seen_count; i++) {
		if (reading->seen[i].device == status->st_dev && reading->seen[i].inode == status->st_ino)
			return -EEXIST;
	}
	reading->seen[reading->seen_count++] = (struct directory_id){ status->st_dev, status->st_ino };
	return 0;
}

static bool is_roots_alone(const struct stat *status)
{
	return S_ISDIR(status->st_mode) && status->st_uid == 0 && !(status->st_mode & 022);
}

/*
 * RECORD_DIRECTORY below a root: the engine makes it on a tmpfs, where nobody but the kernel answers to opening and
 * reading, and to asking for locks. What has its files from a process, or from another host, is left alone.
 */
static int open_records(struct reading *reading, int root)
{
	_cleanup_close_ int own = open_in(root, &RECORD_ROOT[1], O_PATH | O_DIRECTORY, RESOLVE_IN_ROOT);
	struct statfs system;
	struct stat status;

	if (own < 0)
		return own;
	if (fstatfs(own, &system) < 0 || fstat(own, &status) < 0)
		return -errno;

	bool is_ours = system.f_type == TMPFS_MAGIC && is_roots_alone(&status);
	_cleanup_close_ int records = open_in(own, &RECORD_DIRECTORY[sizeof(RECORD_ROOT)], O_PATH | O_DIRECTORY,
					      RESOLVE_BENEATH | RESOLVE_NO_XDEV);

	if (records < 0)
		return records == -EXDEV ? -EMEDIUMTYPE : records;
	if (fstat(records, &status) < 0)
		return -errno;
	if (see(reading, &status) < 0)
		return -ENOENT;
	if (!is_ours || !is_roots_alone(&status))
		return -EMEDIUMTYPE;

	int r = openat(records, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	return r < 0 ? -errno : r;
}

/* In as many as are known of the place. */
static bool is_at(const uint64_t namespaces[NAMESPACE_KINDS], const struct nested_place *place)
{
	for (enum namespace_kind kind = 0; kind < NAMESPACE_KINDS; kind++)
		if (place->namespaces[kind] && place->namespaces[kind] != namespaces[kind])
			return false;
	return true;
}

/*
 * The directory of records in a session. The root is that of a process which is in these namespaces, both before and
 * after; where there is no such directory it does not matter whose root that was.
 */
static int open_directory(struct reading *reading, const struct nested_place *place)
{
	_cleanup_close_ int process = process_open(place->init);
	uint64_t namespaces[NAMESPACE_KINDS] = { 0 };

	if (process < 0)
		return process;

	_cleanup_close_ int root = openat(process, "root", O_PATH | O_DIRECTORY | O_CLOEXEC);
	_cleanup_close_ int directory = root < 0 ? negative_errno() : open_records(reading, root);

	if (directory == -ENOENT)
		return -ENOENT;

	int r = process_namespaces_at(process, namespaces);

	if (r < 0)
		return r == -ENOENT ? -ESRCH : r;
	if (!is_at(namespaces, place))
		return -ESRCH;
	return directory < 0 ? directory : TAKE_FD(directory);
}

static bool is_session_name(const char *name)
{
	return strspn(name, "0123456789abcdef") == SESSION_ID_LENGTH && name[SESSION_ID_LENGTH] == '\0';
}

/* A device is not opened to see that it is none, and neither is what is mounted over a name. */
static int open_file(int directory, const char *name)
{
	_cleanup_close_ int path = open_in(directory, name, O_PATH, RESOLVE_BENEATH | RESOLVE_NO_XDEV);
	char link[32];
	struct stat status;

	if (path < 0)
		return path;
	if (fstat(path, &status) < 0)
		return -errno;
	if (!S_ISREG(status.st_mode) || status.st_size > RECORD_MAX)
		return -EBADMSG;
	(void)snprintf(link, sizeof(link), "/proc/self/fd/%d", path);

	/* O_NONBLOCK: a lease of another's does not hold us up, fcntl(2) */
	int fd = open(link, O_RDONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);

	return fd < 0 ? -errno : fd;
}

static bool is_known(const struct reading *reading, pid_t pid)
{
	for (size_t i = 0; i < reading->known_count; i++) {
		if (reading->known[i].init == pid)
			return true;
	}
	for (size_t i = 0; i < reading->count; i++) {
		if (reading->found[i].place.init == pid)
			return true;
	}
	return false;
}

/*
 * In the mounts of the reader, or of another of its sessions: whoever is nested in a session with mounts of its own has
 * those, or newer ones. The number of a lock's holder can be made to be another's, by processes that share their
 * files: the kernel remembers the one that took the lock, and that may have ended.
 */
static bool is_elsewhere(const struct reading *reading, const struct found *outer, const struct nested_place *place)
{
	uint64_t mounts = place->namespaces[NAMESPACE_MOUNT];

	if (mounts == outer->place.namespaces[NAMESPACE_MOUNT])
		return false;
	for (size_t i = 0; i < reading->known_count; i++) {
		if (reading->known[i].namespaces[NAMESPACE_MOUNT] == mounts)
			return true;
	}
	return false;
}

/* The first process of its PID namespace. */
static bool is_first(int process)
{
	_cleanup_(process_info_release) struct process_info info = { 0 };

	return process_info_read(process, &info) == 0 && info.levels[info.level_count - 1] == 1;
}

/*
 * Whether the kernel has the lock's holder within the session: it is in the session's PID namespace, or the init of one
 * right below that. 0, with what the kernel says of it.
 */
static int verify(const struct reading *reading, const struct found *outer, int file, struct nested_place *ret)
{
	uint64_t around = outer->place.namespaces[NAMESPACE_PID], parent = 0;
	struct nested_place place = { 0 };
	pid_t again = 0;

	if (record_alive(file, &place.init) <= 0 || place.init <= 0 || is_known(reading, place.init))
		return -ESRCH;

	_cleanup_close_ int process = process_open(place.init);
	int r = process < 0 ? process : process_namespaces_at(process, place.namespaces);

	if (r < 0 || is_elsewhere(reading, outer, &place))
		return -ESRCH;
	if (place.namespaces[NAMESPACE_PID] != around) {
		r = pid_namespace_parent_at(process, place.namespaces[NAMESPACE_PID], &parent);
		if (r < 0 || parent != around || !is_first(process))
			return -ESRCH;
	}
	/* it held the lock all the time: what was read is of no other process with its number */
	if (record_alive(file, &again) <= 0 || again != place.init)
		return -ESRCH;
	*ret = place;
	return 0;
}

static bool is_record_of(const char *text, size_t size, const char *name)
{
	struct record record = { 0 };
	bool is = record_parse(text, size, &record) == 0 && *record.login == '\0' && strcmp(record.id, name) == 0;

	record_release(&record);
	return is;
}

/* Anything that is no record of a live session is passed over. */
static void read_one(struct reading *reading, const struct found *outer, int directory, const char *name)
{
	_cleanup_close_ int file = open_file(directory, name);
	_cleanup_free_ char *text = NULL;
	struct nested_head head = { .outer = outer->number };
	size_t size = 0;

	if (file < 0 || read_whole(file, RECORD_MAX, &text, &size) < 0 || !is_record_of(text, size, name) ||
	    verify(reading, outer, file, &head.place) < 0)
		return;
	if (reading->count == ELEMENTS(reading->found) || reading->text_size + size > NESTED_TEXT_MAX) {
		note(reading, NESTED_TOO_MANY_SESSIONS);
		return;
	}
	reading->text_size += size;
	head.size = (uint32_t)size;
	head.login_alive = record_login_alive(file) > 0;
	memcpy(head.name, name, sizeof(head.name));
	say(reading->answer, &head, sizeof(head));
	say(reading->answer, text, size);
	nested_flush(reading->answer);
	reading->found[reading->count] =
		(struct found){ .place = head.place, .depth = outer->depth + 1, .number = (uint32_t)reading->count };
	reading->count++;
}

struct names {
	char items[NESTED_NAMES_MAX][SESSION_ID_LENGTH + 1];
	size_t count;
};

static int compare_names(const void *a, const void *b)
{
	return strcmp(a, b);
}

static void list_names(struct reading *reading, int directory, struct names *names)
{
	int copy = openat(directory, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	_cleanup_(closedirp) DIR *stream = copy < 0 ? NULL : fdopendir(copy);
	const struct dirent *entry;
	size_t looked_at = 0;

	if (!stream) {
		close_fd(copy);
		note(reading, NESTED_UNREADABLE);
		return;
	}
	while ((entry = readdir(stream))) {
		if (looked_at++ == NESTED_NAMES_MAX) {
			note(reading, NESTED_TOO_MANY_FILES);
			break;
		}
		if (is_session_name(entry->d_name))
			memcpy(names->items[names->count++], entry->d_name, SESSION_ID_LENGTH + 1);
	}
	qsort(names->items, names->count, sizeof(names->items[0]), compare_names);
}

static void look_into(struct reading *reading, const struct found *outer)
{
	static struct names names;
	_cleanup_close_ int directory = open_directory(reading, &outer->place);

	if (directory < 0) {
		/* nothing was ever nested in it; it has ended; its directory is one that we know */
		if (directory != -ENOENT && directory != -ESRCH)
			note(reading, directory == -EMEDIUMTYPE ? NESTED_STRANGE : NESTED_UNREADABLE);
		return;
	}
	names.count = 0;
	list_names(reading, directory, &names);
	for (size_t i = 0; i < names.count; i++)
		read_one(reading, outer, directory, names.items[i]);
}

/* A session without mounts of its own has no directory of records. */
static bool has_own_mounts(const struct reading *reading, const struct found *found)
{
	for (size_t i = 0; i < reading->count; i++) {
		const struct found *other = &reading->found[i];

		if (other != found && other->depth < found->depth &&
		    other->place.namespaces[NAMESPACE_MOUNT] == found->place.namespaces[NAMESPACE_MOUNT])
			return false;
	}
	return true;
}

static enum nested_cut read_all(const struct nested_place *session, const struct nested_place *known,
				size_t known_count, struct nested_answer *answer)
{
	static struct reading reading;
	struct stat status;

	reading = (struct reading){ .known = known, .known_count = known_count, .answer = answer, .count = 1 };
	reading.found[0].place = *session;
	if (stat(RECORD_DIRECTORY, &status) == 0)
		(void)see(&reading, &status);
	for (size_t i = 0; i < reading.count; i++) {
		if (!has_own_mounts(&reading, &reading.found[i]))
			continue;
		if (reading.found[i].depth < NESTED_DEPTH_MAX)
			look_into(&reading, &reading.found[i]);
		else
			note(&reading, NESTED_TOO_DEEP);
	}
	return reading.cut;
}

void nested_read(const struct nested_place *session, const struct nested_place *known, size_t known_count,
		 struct nested_answer *answer)
{
	const struct nested_head end = { .cut = read_all(session, known, known_count, answer) };

	say(answer, &end, sizeof(end));
}
