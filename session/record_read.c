/* SPDX-License-Identifier: BSD-3-Clause OR GPL-2.0-or-later */

/*
 * Reading records from the file system. Never takes a lock, never writes,
 * opens each file once and judges it by its descriptor.
 */

#include "session/record.h"

#include "common/read_whole.h"

#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>

/*
 * The first lock in the way of a read lock on so many bytes, 0: on all behind the first of them; or F_UNLCK. Only a
 * write lock is in its way, so another reader's lock keeps nothing alive.
 */
static int find_lock(int fd, off_t first, off_t count, struct flock *ret)
{
	struct flock lock = { .l_type = F_RDLCK, .l_whence = SEEK_SET, .l_start = first, .l_len = count };

	if (fcntl(fd, F_GETLK, &lock) < 0)
		return -errno;
	*ret = lock;
	return lock.l_type != F_UNLCK;
}

/* -1: an open file description lock, fcntl_locking(2); 0: from a PID namespace that this one does not see */
static pid_t holder_of(const struct flock *lock)
{
	return lock->l_pid > 0 ? lock->l_pid : 0;
}

int record_alive(int fd, pid_t *ret_pid)
{
	struct flock lock = { 0 };
	int r = find_lock(fd, 0, 0, &lock);

	if (r > 0)
		*ret_pid = holder_of(&lock);
	return r;
}

int record_login_alive(int fd)
{
	struct flock lock = { 0 };

	return find_lock(fd, RECORD_LOGIN_BYTE, 1, &lock);
}

/* One lock that is on both bytes is told whole; a length of 0 is to the end of the file. */
static bool covers_login(const struct flock *lock)
{
	return lock->l_whence == SEEK_SET && lock->l_start <= RECORD_LOGIN_BYTE &&
	       (lock->l_len == 0 || lock->l_len > RECORD_LOGIN_BYTE - lock->l_start);
}

/* A lock to the end of the file is on that byte, too, and says nothing by it. */
static bool is_sealed(int fd, pid_t init)
{
	struct flock lock = { 0 };

	return init > 0 && find_lock(fd, RECORD_SEALED_BYTE, 1, &lock) > 0 && lock.l_len > 0 &&
	       holder_of(&lock) == init;
}

static void read_locks(int fd, struct record_view *view)
{
	struct flock lock = { 0 };

	view->alive = find_lock(fd, 0, 0, &lock) > 0;
	if (view->alive) {
		view->init_pid = holder_of(&lock);
		view->sealed = lock.l_len > 0 && is_sealed(fd, view->init_pid);
	}
	view->login_alive = (view->alive && covers_login(&lock)) || record_login_alive(fd) > 0;
}

/* ID, or ID.LOGIN */
static bool is_record_name(const char *name)
{
	static const char digits[] = "0123456789abcdef";

	if (strspn(name, digits) != SESSION_ID_LENGTH)
		return false;
	name += SESSION_ID_LENGTH;
	return *name == '\0' ||
	       (*name == '.' && strspn(name + 1, digits) == LOGIN_ID_LENGTH && name[1 + LOGIN_ID_LENGTH] == '\0');
}

/* A record says itself what it is called. */
static bool is_called(const struct record *record, const char *name)
{
	char own[RECORD_NAME_MAX + 2];

	(void)snprintf(own, sizeof(own), "%s%s%s", record->id, *record->login ? "." : "", record->login);
	return strcmp(own, name) == 0;
}

/* A record is written whole before it has a name, and never again: its size is where it ends. */
static int read_record(int fd, size_t whole, struct record_view *view)
{
	_cleanup_free_ char *text = NULL;
	size_t size = 0;
	int r = read_head(fd, whole, &text, &size);

	if (r < 0)
		return r;
	r = record_parse(text, size, &view->record);
	if (r < 0)
		return r;
	if (!is_called(&view->record, view->name)) {
		record_release(&view->record);
		return -EBADMSG;
	}
	view->valid = true;
	return 0;
}

int record_view_read(int directory, const char *name, struct record_view *view)
{
	/* O_NONBLOCK: a FIFO must not hold the reader up */
	_cleanup_close_ int fd = openat(directory, name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
	struct stat status;
	int r;

	*view = (struct record_view){ 0 };
	(void)snprintf(view->name, sizeof(view->name), "%.*s", RECORD_NAME_MAX, name);
	if (fd < 0 && (errno == ENOENT || errno == EMFILE || errno == ENFILE || errno == ENOMEM))
		return -errno;
	if (fd < 0) /* a link, a socket, a device: no record */
		return 0;
	if (fstat(fd, &status) < 0)
		return -errno;
	if (!S_ISREG(status.st_mode) || !is_record_name(name))
		return 0;

	if (status.st_size <= RECORD_MAX) {
		r = read_record(fd, (size_t)status.st_size, view);
		if (r == -ENOMEM)
			return r;
	}
	read_locks(fd, view);
	return 0;
}

static int append_view(struct record_list *list, const struct record_view *view)
{
	struct record_view *items = reallocarray(list->items, list->count + 1, sizeof(*items));

	if (!items)
		return -ENOMEM;
	items[list->count++] = *view;
	list->items = items;
	return 0;
}

static int read_entry(int directory, const char *name, struct record_list *list)
{
	struct record_view view = { 0 };
	int r = record_view_read(directory, name, &view);

	if (r == 0)
		r = append_view(list, &view);
	if (r < 0)
		record_release(&view.record);
	return r == -ENOENT ? 0 : r;
}

static int compare_names(const void *a, const void *b)
{
	return strcmp(((const struct record_view *)a)->name, ((const struct record_view *)b)->name);
}

static int read_entries(DIR *dir, struct record_list *list)
{
	for (;;) {
		errno = 0;
		const struct dirent *entry = readdir(dir);

		if (!entry)
			return -errno;
		if (strcmp(entry->d_name, ".") == 0 || strcmp(entry->d_name, "..") == 0)
			continue;

		int r = read_entry(dirfd(dir), entry->d_name, list);

		if (r < 0)
			return r;
	}
}

int records_read(const char *directory, struct record_list *ret)
{
	_cleanup_(record_list_release) struct record_list list = { 0 };
	_cleanup_close_ int fd = open(directory, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);

	if (fd < 0 && errno != ENOENT)
		return -errno;
	if (fd >= 0) {
		_cleanup_(closedirp) DIR *dir = fdopendir(fd);

		if (!dir)
			return -errno;
		(void)TAKE_FD(fd);

		int r = read_entries(dir, &list);

		if (r < 0)
			return r;
	}
	if (list.count > 1)
		qsort(list.items, list.count, sizeof(*list.items), compare_names);
	*ret = list;
	list = (struct record_list){ 0 };
	return 0;
}

void record_list_release(struct record_list *list)
{
	for (size_t i = 0; i < list->count; i++)
		record_release(&list->items[i].record);
	free(list->items);
	*list = (struct record_list){ 0 };
}
