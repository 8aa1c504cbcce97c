/* SPDX-License-Identifier: BSD-3-Clause OR GPL-2.0-or-later */
#include "tools/relay.h"

#include "common/error.h"

int relay_read(struct relay *relay, int fd)
{
	ssize_t size = read(fd, relay->buffer, sizeof(relay->buffer));

	if (size < 0 && (errno == EAGAIN || errno == EINTR))
		return -EAGAIN;
	/* EIO: a terminal without its other end, tty_ioctl(4); any other error ends the input as well */
	if (size <= 0)
		return 0;
	relay->start = 0;
	relay->end = (size_t)size;
	return 1;
}

int relay_write(struct relay *relay, int fd)
{
	ssize_t size = write(fd, relay->buffer + relay->start, relay->end - relay->start);

	if (size < 0 && (errno == EAGAIN || errno == EINTR))
		return -EAGAIN;
	if (size < 0)
		return negative_errno();
	relay->start += (size_t)size;
	return 0;
}
