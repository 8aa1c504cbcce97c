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

int record_alive(int fd, pid_t *ret_pid)
{
	/* Asks for a read lock: only a write lock is in its way, so another reader's lock keeps nothing alive. */
	struct flock lock = { .l_type = F_RDLCK, .l_whence = SEEK_SET };

	if (fcntl(fd, F_GETLK, &lock) < 0)
		return -errno;
	if (lock.l_type == F_UNLCK)
		return 0;
	/* -1: an open file description lock, fcntl_locking(2); 0: from a PID namespace that this one does not see */
	*ret_pid = lock.l_pid > 0 ? lock.l_pid : 0;
	return 1;
}

static bool is_session_id(const char *name)
{
	return strlen(name) == SESSION_ID_LENGTH && strspn(name, "0123456789abcdef") == SESSION_ID_LENGTH;
}

static int read_record(int fd, struct record_view *view)
{
	_cleanup_free_ char *text = NULL;
	size_t size = 0;
	int r = read_whole(fd, RECORD_MAX, &text, &size);

	if (r < 0)
		return r;
	r = record_parse(text, size, &view->record);
	if (r < 0)
		return r;
	if (strcmp(view->record.id, view->name) != 0) {
		record_release(&view->record);
		return -EBADMSG;
	}
	view->valid = true;
	return 0;
}

/* 0, also for a file that is no record; -ENOENT when it is gone by now; other errors are the reader's own. */
static int view_file(int directory, const char *name, struct record_view *view)
{
	/* O_NONBLOCK: a FIFO must not hold the reader up */
	_cleanup_close_ int fd = openat(directory, name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
	struct stat status;
	int r;

	(void)snprintf(view->name, sizeof(view->name), "%.*s", SESSION_ID_LENGTH, name);
	if (fd < 0 && (errno == ENOENT || errno == EMFILE || errno == ENFILE || errno == ENOMEM))
		return -errno;
	if (fd < 0) /* a link, a socket, a device: no record */
		return 0;
	if (fstat(fd, &status) < 0)
		return -errno;
	if (!S_ISREG(status.st_mode) || !is_session_id(name))
		return 0;

	if (status.st_size <= RECORD_MAX) {
		r = read_record(fd, view);
		if (r == -ENOMEM)
			return r;
	}
	r = record_alive(fd, &view->init_pid);
	view->alive = r > 0;
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
	int r = view_file(directory, name, &view);

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
