/* SPDX-License-Identifier: BSD-3-Clause OR GPL-2.0-or-later */
#include "session/join_protocol.h"

#include <inttypes.h>
#include <string.h>
#include <sys/socket.h>

void join_name(uint64_t hash, const char *id, char ret[JOIN_NAME_LENGTH + 1])
{
	(void)snprintf(ret, JOIN_NAME_LENGTH + 1, "%016" PRIx64 ".%.*s", hash, SESSION_ID_LENGTH, id);
}

struct sockaddr_un join_address(uid_t uid, uint64_t hash, const char *id)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	char name[JOIN_NAME_LENGTH + 1];

	join_name(hash, id, name);
	(void)snprintf(address.sun_path, sizeof(address.sun_path), RECORD_ROOT "/users/%ju/%s", (uintmax_t)uid, name);
	return address;
}

void join_listener_remove(uid_t uid, uint64_t hash, const char *id)
{
	const struct sockaddr_un address = join_address(uid, hash, id);

	(void)unlink(address.sun_path);
}

/* The process that called listen(2), unix(7): the init, which is the one that can be joined. */
static int check_peer(int socket, pid_t init)
{
	struct ucred peer;
	socklen_t size = sizeof(peer);

	if (getsockopt(socket, SOL_SOCKET, SO_PEERCRED, &peer, &size) < 0)
		return -errno;
	return peer.uid != 0 || (init != 0 && peer.pid != init) ? -EPERM : 0;
}

static int receive_answer(int socket, int timeout_ms, struct message *ret, const char **ret_word)
{
	_cleanup_(message_release) struct message answer = { 0 };
	struct message_reader reader;
	size_t no_fds = 0;
	const char *word;
	int r = message_receive(socket, timeout_ms, &answer, NULL, &no_fds);

	if (r < 0)
		return r;
	reader = message_read(&answer);
	if (strcmp(message_get(&reader), PROTOCOL_VERSION) != 0)
		return -EBADMSG;
	word = message_get(&reader);
	if (reader.error || !message_at_end(&reader))
		return -EBADMSG;
	*ret_word = word;
	*ret = answer;
	answer = (struct message){ 0 };
	return 0;
}

int join_ask(const struct sockaddr_un *address, pid_t init, const struct message *request, const int *fds,
	     size_t fd_count, int timeout_ms, struct message *ret_answer, const char **ret_word)
{
	_cleanup_close_ int connection = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	int r;

	if (connection < 0)
		return -errno;
	if (connect(connection, (const struct sockaddr *)address, sizeof(*address)) < 0)
		return -errno;
	r = check_peer(connection, init);
	if (r == 0)
		r = message_send(connection, request, fds, fd_count);
	return r < 0 ? r : receive_answer(connection, timeout_ms, ret_answer, ret_word);
}
