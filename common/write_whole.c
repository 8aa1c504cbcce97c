/* SPDX-License-Identifier: BSD-3-Clause OR GPL-2.0-or-later */
#include "common/write_whole.h"

#include "common/error.h"

int write_whole(int fd, const void *bytes, size_t size)
{
	const char *at = bytes;

	while (size > 0) {
		ssize_t written = write(fd, at, size);

		if (written < 0 && errno == EINTR)
			continue;
		if (written < 0)
			return negative_errno();
		at += written;
		size -= (size_t)written;
	}
	return 0;
}
