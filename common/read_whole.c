/* SPDX-License-Identifier: BSD-3-Clause OR GPL-2.0-or-later */
#include "common/read_whole.h"

#include "common/error.h"

static ssize_t read_at(int fd, void *buffer, size_t size, off_t offset)
{
	ssize_t got = pread(fd, buffer, size, offset);

	return got < 0 && errno == ESPIPE ? read(fd, buffer, size) : got;
}

/* Most files are short, whatever their limit. */
#define ROOM_FIRST 8192

/* Room for more bytes than there are, and a '\0'. */
static int make_room(char **bytes, size_t size, size_t limit, size_t *room)
{
	size_t wanted = *room ? *room * 2 : ROOM_FIRST;
	char *wider;

	if (size < *room)
		return 0;
	if (wanted > limit)
		wanted = limit;
	wider = realloc(*bytes, wanted + 1);
	if (!wider)
		return -ENOMEM;
	*bytes = wider;
	*room = wanted;
	return 0;
}

int read_head(int fd, size_t limit, char **ret, size_t *ret_size)
{
	_cleanup_free_ char *bytes = malloc(1);
	size_t size = 0, room = 0;

	if (!bytes)
		return -ENOMEM;
	while (size < limit) {
		int r = make_room(&bytes, size, limit, &room);

		if (r < 0)
			return r;

		ssize_t got = read_at(fd, bytes + size, room - size, (off_t)size);

		if (got < 0 && errno == EINTR)
			continue;
		if (got < 0)
			return negative_errno();
		if (got == 0)
			break;
		size += (size_t)got;
	}
	bytes[size] = '\0';

	/* what is kept is seldom as long as it may be */
	char *fitting = realloc(bytes, size + 1);

	*ret = fitting ? fitting : bytes;
	bytes = NULL;
	*ret_size = size;
	return 0;
}

int read_whole(int fd, size_t limit, char **ret, size_t *ret_size)
{
	_cleanup_free_ char *bytes = NULL;
	size_t size = 0;
	int r = read_head(fd, limit + 1, &bytes, &size);

	if (r < 0)
		return r;
	if (size > limit)
		return -EFBIG;
	*ret = TAKE_PTR(bytes);
	*ret_size = size;
	return 0;
}
