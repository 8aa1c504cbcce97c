/* SPDX-License-Identifier: BSD-3-Clause OR GPL-2.0-or-later */
#include "session/protocol.h"

#include "common/clock.h"

#include <inttypes.h>
#include <poll.h>
#include <string.h>
#include <sys/socket.h>

static const char *const outcome_names[] = {
	[OUTCOME_OPENED] = "opened",
	[OUTCOME_OFF] = "off",
	[OUTCOME_NO_POLICY] = "no-policy",
	[OUTCOME_SYSTEM_USER] = "system-user",
	[OUTCOME_USER_MANAGER] = "user-manager",
	[OUTCOME_AUDIT] = "audit",
	[OUTCOME_DENIED] = "denied",
	[OUTCOME_FULL] = "full",
	[OUTCOME_REFUSED] = "refused",
	[OUTCOME_FAILED] = "failed",
	[OUTCOME_LIMITS] = "limits",
};

const char *outcome_name(enum outcome outcome)
{
	return outcome_names[outcome];
}

int outcome_from_name(const char *name, enum outcome *ret)
{
	for (size_t i = OUTCOME_OPENED; i < ELEMENTS(outcome_names); i++) {
		if (strcmp(name, outcome_names[i]) == 0) {
			*ret = (enum outcome)i;
			return 0;
		}
	}
	return -EBADMSG;
}

void message_release(struct message *message)
{
	free(message->data);
	*message = (struct message){ 0 };
}

void message_put(struct message *message, const char *text)
{
	size_t length = strlen(text) + 1;
	char *data;

	if (message->error)
		return;
	if (length > PROTOCOL_MESSAGE_MAX - message->size) {
		message->error = -E2BIG;
		return;
	}
	data = realloc(message->data, message->size + length);
	if (!data) {
		message->error = -ENOMEM;
		return;
	}
	memcpy(data + message->size, text, length);
	message->data = data;
	message->size += length;
}

void message_put_number(struct message *message, uint64_t number)
{
	char text[24];

	snprintf(text, sizeof(text), "%" PRIu64, number);
	message_put(message, text);
}

struct message_reader message_read(const struct message *message)
{
	return (struct message_reader){ .next = message->data, .end = message->data + message->size };
}

const char *message_get(struct message_reader *reader)
{
	size_t left = (size_t)(reader->end - reader->next);
	const char *text = reader->next;
	const char *end = left > 0 ? memchr(text, '\0', left) : NULL;

	if (reader->error || !end) {
		reader->error = -EBADMSG;
		return "";
	}
	reader->next = end + 1;
	return text;
}

uint64_t message_get_number(struct message_reader *reader, uint64_t max)
{
	const char *text = message_get(reader);
	char *end;
	uint64_t number;
	int saved = errno;

	if (reader->error)
		return 0;
	errno = 0;
	number = strtoull(text, &end, 10);
	if (errno != 0 || *text < '0' || *text > '9' || *end != '\0' || number > max)
		reader->error = -EBADMSG;
	errno = saved;
	return reader->error ? 0 : number;
}

bool message_at_end(const struct message_reader *reader)
{
	return reader->next == reader->end;
}

int message_send(int socket, const struct message *message, const int *fds, size_t fd_count)
{
	_cleanup_free_ struct cmsghdr *control = NULL;
	struct iovec data = { .iov_base = message->data, .iov_len = message->size };
	struct msghdr header = { .msg_iov = &data, .msg_iovlen = 1 };

	if (message->error)
		return message->error;
	if (fd_count > PROTOCOL_FDS_MAX)
		return -E2BIG;
	if (fd_count > 0) {
		size_t size = CMSG_SPACE(fd_count * sizeof(int));

		control = calloc(1, size);
		if (!control)
			return -ENOMEM;
		control->cmsg_level = SOL_SOCKET;
		control->cmsg_type = SCM_RIGHTS;
		control->cmsg_len = CMSG_LEN(fd_count * sizeof(int));
		memcpy(CMSG_DATA(control), fds, fd_count * sizeof(int));
		header.msg_control = control;
		header.msg_controllen = size;
	}
	while (sendmsg(socket, &header, MSG_NOSIGNAL) < 0)
		if (errno != EINTR)
			return -errno;
	return 0;
}

int poll_until(struct pollfd *pollers, unsigned count, int timeout_ms)
{
	int64_t deadline = now_ms() + timeout_ms;

	for (;;) {
		int64_t left = deadline - now_ms();
		int r = poll(pollers, count, left > 0 ? (int)left : 0);

		if (r >= 0)
			return r;
		if (errno != EINTR)
			return -errno;
	}
}

/* Waits until the socket can be read or its peer is gone. */
static int wait_readable(int socket, int timeout_ms)
{
	struct pollfd poller = { .fd = socket, .events = POLLIN };
	int r = poll_until(&poller, 1, timeout_ms);

	return r == 0 ? -ETIMEDOUT : r < 0 ? r : 0;
}

/* Collects every descriptor of a received message; all of them are ours to close, wanted or not. */
static int take_descriptors(struct msghdr *header, int *fds, size_t *fd_count)
{
	size_t room = *fd_count;
	size_t taken = 0;
	int r = 0;

	for (struct cmsghdr *control = CMSG_FIRSTHDR(header); control; control = CMSG_NXTHDR(header, control)) {
		size_t count;

		if (control->cmsg_level != SOL_SOCKET || control->cmsg_type != SCM_RIGHTS)
			continue;
		count = (control->cmsg_len - CMSG_LEN(0)) / sizeof(int);
		for (size_t i = 0; i < count; i++) {
			int fd;

			memcpy(&fd, CMSG_DATA(control) + i * sizeof(int), sizeof(fd));
			if (taken < room) {
				fds[taken++] = fd;
			} else {
				close_fd(fd);
				r = -EBADMSG;
			}
		}
	}
	*fd_count = taken;
	return r;
}

/* Often it is there already. -EAGAIN: not yet. */
static ssize_t receive(int socket, struct msghdr *header)
{
	ssize_t size;

	do
		size = recvmsg(socket, header, MSG_CMSG_CLOEXEC | MSG_DONTWAIT);
	while (size < 0 && errno == EINTR);
	return size < 0 ? -errno : size;
}

int message_receive(int socket, int timeout_ms, struct message *ret, int *fds, size_t *fd_count)
{
	_cleanup_(message_release) struct message message = { .data = malloc(PROTOCOL_MESSAGE_MAX) };
	_cleanup_free_ char *control = malloc(CMSG_SPACE(PROTOCOL_FDS_MAX * sizeof(int)));
	struct iovec data = { .iov_base = message.data, .iov_len = PROTOCOL_MESSAGE_MAX };
	struct msghdr header = {
		.msg_iov = &data,
		.msg_iovlen = 1,
		.msg_control = control,
		.msg_controllen = CMSG_SPACE(PROTOCOL_FDS_MAX * sizeof(int)),
	};
	ssize_t size;
	int r;

	if (!message.data || !control)
		return -ENOMEM;
	size = receive(socket, &header);
	if (size == -EAGAIN) {
		r = wait_readable(socket, timeout_ms);
		if (r < 0)
			return r;
		size = receive(socket, &header);
	}
	if (size < 0)
		return (int)size;
	r = take_descriptors(&header, fds, fd_count);
	if (r == 0 && size == 0)
		r = -ECONNRESET;
	if (r == 0 && (header.msg_flags & (MSG_TRUNC | MSG_CTRUNC)))
		r = -EBADMSG;
	if (r < 0) {
		for (size_t i = 0; i < *fd_count; i++)
			fds[i] = close_fd(fds[i]);
		*fd_count = 0;
		return r;
	}
	message.size = (size_t)size;
	*ret = message;
	message = (struct message){ 0 };
	return 0;
}
