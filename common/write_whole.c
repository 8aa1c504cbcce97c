/* SPDX-License-Identifier: BSD-3-Clause OR GPL-2.0-or-later */
#include "common/write_whole.h"

#include "common/error.h"

/* offset: -1 is where the descriptor is. */
static int write_from(int fd, const void *bytes, size_t size, off_t offset)
{
	const char *at = bytes;

	while (size > 0) {
		ssize_t written = offset < 0 ? write(fd, at, size) : pwrite(fd, at, size, offset);

		if (written < 0 && errno == EINTR)
			continue;
		if (written < 0)
			return negative_errno();
		at += written;
		offset += offset < 0 ? 0 : written;
		size -= (size_t)written;
	}
	return 0;
}

int write_whole(int fd, const void *bytes, size_t size)
{
	return write_from(fd, bytes, size, -1);
}

int write_whole_at(int fd, const void *bytes, size_t size, off_t offset)
{
	return write_from(fd, bytes, size, offset);
}
