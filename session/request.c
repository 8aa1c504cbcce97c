/* SPDX-License-Identifier: BSD-3-Clause OR GPL-2.0-or-later */
#include "session/request.h"

#include <limits.h>
#include <string.h>

static void put_limits(struct message *message, const struct limits *limits)
{
	message_put_number(message, limits->memory);
	message_put_number(message, limits->tasks);
	message_put_number(message, limits->cpu_weight);
}

static struct limits get_limits(struct message_reader *reader)
{
	const uint64_t memory = message_get_number(reader, UINT64_MAX);
	const uint64_t tasks = message_get_number(reader, UINT64_MAX);

	return (struct limits){ memory, tasks, message_get_number(reader, UINT64_MAX) };
}

int request_encode(const struct session_request *request, struct message *message, int fds[PROTOCOL_FDS_MAX],
		   size_t *ret_fd_count)
{
	size_t count = 0;

	if (request->candidates.count > PROTOCOL_FDS_MAX - 2)
		return -E2BIG;
	fds[count++] = request->caller_pidfd;
	message_put(message, PROTOCOL_VERSION);
	message_put(message, request->user);
	message_put_number(message, request->uid);
	message_put_number(message, request->gid);
	message_put(message, request->group);
	message_put(message, request->home);
	message_put(message, request->service);
	message_put(message, request->tty);
	message_put(message, request->remote_host);
	message_put_number(message, (uint64_t)request->caller);
	message_put_number(message, request->flags);
	message_put_number(message, request->limits_by);
	put_limits(message, &request->handed);
	message_put_number(message, request->candidates.root.open);
	if (request->candidates.root.open)
		fds[count++] = request->candidates.root.fd;
	message_put_number(message, request->candidates.count);
	for (size_t i = 0; i < request->candidates.count; i++) {
		const struct candidate *candidate = &request->candidates.items[i];

		message_put_number(message, candidate->kind);
		message_put(message, candidate->name);
		message_put(message, candidate->problem ? candidate->problem : "");
		if (!candidate->problem)
			fds[count++] = candidate->fd;
	}
	*ret_fd_count = count;
	return message->error;
}

void request_release(struct session_request *request)
{
	for (size_t i = 0; i < request->candidates.count; i++)
		close_fd(request->candidates.items[i].fd);
	free(request->candidates.items);
	if (request->candidates.root.open)
		close_fd(request->candidates.root.fd);
	close_fd(request->caller_pidfd);
	*request = (struct session_request){ .caller_pidfd = -1 };
}

/* Names and problems are borrowed from the message; candidates_release() must not see this list. */
static int decode_candidates(struct message_reader *reader, const int *fds, size_t fd_count,
			     struct candidates *candidates)
{
	bool has_root = message_get_number(reader, 1);
	size_t count = (size_t)message_get_number(reader, PROTOCOL_FDS_MAX);
	size_t used = 0;

	if (reader->error)
		return reader->error;
	if (has_root && fd_count < 1)
		return -EBADMSG;
	if (has_root)
		candidates->root = (struct policy_root){ .open = true, .fd = fds[used++] };
	candidates->items = calloc(count ? count : 1, sizeof(*candidates->items));
	if (!candidates->items)
		return -ENOMEM;
	for (size_t i = 0; i < count; i++) {
		struct candidate *candidate = &candidates->items[i];
		const char *problem;

		candidate->kind = (enum candidate_kind)message_get_number(reader, CANDIDATE_DEFAULT);
		candidate->name = (char *)message_get(reader);
		problem = message_get(reader);
		candidate->problem = *problem ? (char *)problem : NULL;
		candidate->fd = -1;
		if (!reader->error && !*problem) {
			if (used == fd_count)
				return -EBADMSG;
			candidate->fd = fds[used++];
		}
		candidates->count = i + 1;
	}
	return reader->error || used != fd_count || !message_at_end(reader) ? -EBADMSG : 0;
}

static int decode_version(struct message_reader *reader, const char **ret_version)
{
	const char *version = message_get(reader);

	if (reader->error)
		return reader->error;
	if (strcmp(version, PROTOCOL_VERSION) == 0)
		return 0;
	*ret_version = version;
	return -EPROTO;
}

static int decode_request(const struct message *message, const int *fds, size_t fd_count,
			  struct session_request *request, const char **ret_version)
{
	struct message_reader reader = message_read(message);
	int r = decode_version(&reader, ret_version);

	if (r < 0)
		return r;
	if (fd_count < 1)
		return -EBADMSG;
	request->user = message_get(&reader);
	request->uid = (uid_t)message_get_number(&reader, UINT32_MAX);
	request->gid = (gid_t)message_get_number(&reader, UINT32_MAX);
	request->group = message_get(&reader);
	request->home = message_get(&reader);
	request->service = message_get(&reader);
	request->tty = message_get(&reader);
	request->remote_host = message_get(&reader);
	request->caller = (pid_t)message_get_number(&reader, INT_MAX);
	request->flags = (unsigned)message_get_number(&reader, UINT_MAX);
	request->limits_by = (enum limits_by)message_get_number(&reader, LIMITS_BY_CALLER);
	request->handed = get_limits(&reader);
	if (reader.error)
		return reader.error;
	return decode_candidates(&reader, fds + 1, fd_count - 1, &request->candidates);
}

int request_decode(const struct message *message, const int *fds, size_t fd_count, struct session_request *ret,
		   const char **ret_version)
{
	struct session_request request = { .caller_pidfd = -1 };
	int r = decode_request(message, fds, fd_count, &request, ret_version);

	if (r < 0) {
		free(request.candidates.items);
		for (size_t i = 0; i < fd_count; i++)
			close_fd(fds[i]);
		return r;
	}
	request.caller_pidfd = fds[0];
	*ret = request;
	return 0;
}

void reply_encode(const struct session_reply *reply, struct message *message)
{
	message_put(message, PROTOCOL_VERSION);
	message_put(message, outcome_name(reply->outcome));
	message_put(message, reply->text ? reply->text : "");
	if (reply->outcome == OUTCOME_LIMITS) {
		message_put_number(message, reply->enforced);
		put_limits(message, &reply->limits);
	}
	if (reply->outcome != OUTCOME_OPENED)
		return;
	message_put(message, reply->id);
	message_put(message, reply->login);
	message_put_number(message, reply->shared);
	message_put_number(message, reply->clone_flags);
	message_put_number(message, reply->privileges.dropped);
	message_put_number(message, reply->privileges.no_new_privs);
	message_put(message, reply->policy);
	message_put_number(message, reply->policy_hash);
	message_put(message, reply->mode);
	message_put(message, reply->notice ? reply->notice : "");
	for (size_t i = 0; i < NAMESPACE_KINDS; i++)
		message_put_number(message, reply->namespaces[i]);
}

static int decode_opened(struct message_reader *reader, struct session_reply *reply)
{
	const char *id = message_get(reader);
	const char *login = message_get(reader);

	if (reader->error || strlen(id) != SESSION_ID_LENGTH || (*login && strlen(login) != LOGIN_ID_LENGTH))
		return -EBADMSG;
	memcpy(reply->id, id, sizeof(reply->id));
	(void)stpcpy(reply->login, login);
	reply->shared = message_get_number(reader, 1);
	reply->clone_flags = (unsigned)message_get_number(reader, UINT_MAX);
	reply->privileges.dropped = message_get_number(reader, UINT64_MAX);
	reply->privileges.no_new_privs = message_get_number(reader, 1);
	reply->policy = message_get(reader);
	reply->policy_hash = message_get_number(reader, UINT64_MAX);
	reply->mode = message_get(reader);
	reply->notice = message_get(reader);
	for (size_t i = 0; i < NAMESPACE_KINDS; i++)
		reply->namespaces[i] = message_get_number(reader, UINT64_MAX);
	return reader->error;
}

static int decode_reply(const struct message *message, size_t fd_count, struct session_reply *reply,
			const char **ret_version)
{
	struct message_reader reader = message_read(message);
	int r = decode_version(&reader, ret_version);

	if (r < 0)
		return r;
	r = outcome_from_name(message_get(&reader), &reply->outcome);
	if (r < 0)
		return r;
	reply->text = message_get(&reader);
	if (reply->outcome == OUTCOME_OPENED)
		r = decode_opened(&reader, reply);
	if (reply->outcome == OUTCOME_LIMITS) {
		reply->enforced = message_get_number(&reader, 1);
		reply->limits = get_limits(&reader);
	}
	if (r < 0)
		return r;
	if (reader.error || !message_at_end(&reader) || fd_count != (reply->outcome == OUTCOME_OPENED))
		return -EBADMSG;
	return 0;
}

int reply_decode(const struct message *message, const int *fds, size_t fd_count, struct session_reply *ret,
		 const char **ret_version)
{
	struct session_reply reply = { .init_pidfd = -1 };
	int r = decode_reply(message, fd_count, &reply, ret_version);

	if (r < 0) {
		for (size_t i = 0; i < fd_count; i++)
			close_fd(fds[i]);
		return r;
	}
	if (fd_count > 0)
		reply.init_pidfd = fds[0];
	*ret = reply;
	return 0;
}
