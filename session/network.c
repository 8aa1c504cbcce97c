/* SPDX-License-Identifier: BSD-3-Clause OR GPL-2.0-or-later */
#include "session/network.h"

#include "common/wait_child.h"
#include "config/prefix.h"
#include "config/problem.h"
#include "nsisolate-config.h"
#include "session/helper_process.h"
#include "session/network_order.h"
#include "session/network_state.h"

#include <fcntl.h>
#include <signal.h>
#include <string.h>
#include <sys/socket.h>

/* Rules may have to be loaded, after another login has done with its own. */
#define ANSWER_TIMEOUT_MS 20000

static int open_locks(const struct policy *policy, struct network *network)
{
	_cleanup_close_ int directory = network_directory_open();

	if (directory < 0)
		return directory;
	for (size_t i = 0; i < ELEMENTS(network->locks) && policy->network.pool[i]; i++) {
		_cleanup_free_ char *ignored = NULL;
		struct prefix pool;
		int r = prefix_parse(policy->network.pool[i], &pool, &ignored);

		if (r == 0)
			r = network->locks[i] = network_locks_open(directory, &pool);
		if (r < 0)
			return r;
	}
	return 0;
}

static int start_program(struct network *network)
{
	_cleanup_close_ int ours = -1;
	_cleanup_close_ int theirs = -1;
	int pair[2], r;

	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair) < 0)
		return -errno;
	ours = pair[0];
	theirs = pair[1];
	r = helper_spawn(NSISOLATE_VETH, "nsisolate-veth", theirs, &network->pid);
	if (r < 0) {
		network->pid = 0;
		return r;
	}
	network->socket = TAKE_FD(ours);
	return 0;
}

static int send_order(const struct policy *policy, const struct network *network)
{
	_cleanup_(message_release) struct message message = { 0 };
	size_t count = 0;

	while (count < ELEMENTS(network->locks) && network->locks[count] >= 0)
		count++;
	network_order_encode(policy, &message);
	return message_send(network->socket, &message, network->locks, count);
}

/* Once there is a file of locks for each of its pools, or none in mode audit. */
static int give_order(const struct policy *policy, struct network *network, char **ret_problem)
{
	int r = start_program(network);

	if (r == 0)
		r = send_order(policy, network);
	return r < 0 ? problem(ret_problem, r, "%s: %s", NSISOLATE_VETH, strerror(-r)) : 0;
}

int network_start(const struct policy *policy, struct network *network, char **ret_problem)
{
	int r = open_locks(policy, network);

	if (r < 0)
		return problem(ret_problem, r, "%s: %s", RECORD_ROOT "/" NETWORK_DIRECTORY, strerror(-r));
	return give_order(policy, network, ret_problem);
}

static int send_namespace(const struct network *network, int session)
{
	_cleanup_(message_release) struct message message = { 0 };

	message_put(&message, PROTOCOL_VERSION);
	return message_send(network->socket, &message, &session, 1);
}

static int receive_answer(struct network *network, char **ret_problem)
{
	_cleanup_(message_release) struct message message = { 0 };
	struct message_reader reader;
	size_t no_fds = 0;
	bool ready;
	int r = message_receive(network->socket, ANSWER_TIMEOUT_MS, &message, NULL, &no_fds);

	if (r == -ECONNRESET)
		return problem(ret_problem, r, "%s ended without an answer", NSISOLATE_VETH);
	if (r < 0)
		return problem(ret_problem, r, "%s: %s", NSISOLATE_VETH, strerror(-r));
	reader = message_read(&message);
	if (strcmp(message_get(&reader), PROTOCOL_VERSION) != 0)
		return problem(ret_problem, -EPROTO, "%s is of another version", NSISOLATE_VETH);
	ready = strcmp(message_get(&reader), "ready") == 0;
	if (!ready)
		return problem(ret_problem, -EIO, "%s", message_get(&reader));
	(void)snprintf(network->interface, sizeof(network->interface), "%s", message_get(&reader));
	(void)snprintf(network->addresses, sizeof(network->addresses), "%s", message_get(&reader));
	return message_at_end(&reader) ? 0 : problem(ret_problem, -EBADMSG, "%s: no answer to read", NSISOLATE_VETH);
}

int network_finish(struct network *network, int session, char **ret_problem)
{
	int r = send_namespace(network, session);

	/* one that has refused already is gone, and its answer is there to be read */
	if (r < 0 && r != -EPIPE && r != -ECONNRESET)
		return problem(ret_problem, r, "%s: %s", NSISOLATE_VETH, strerror(-r));
	return receive_answer(network, ret_problem);
}

int network_rehearse(const struct policy *policy, char **ret_problem)
{
	struct network network = NETWORK_NONE_YET;
	int r = give_order(policy, &network, ret_problem);

	if (r == 0) {
		/* nothing else comes: one of another version does not wait for it. Tolerates ENOTCONN: it has ended */
		(void)shutdown(network.socket, SHUT_WR);
		r = receive_answer(&network, ret_problem);
	}
	network_release(&network);
	return r;
}

void network_release(struct network *network)
{
	network->socket = close_fd(network->socket);
	for (size_t i = 0; i < ELEMENTS(network->locks); i++)
		network->locks[i] = close_fd(network->locks[i]);
	if (network->pid == 0)
		return;
	/* one that has answered ends by itself, and loses nothing; tolerates ESRCH */
	(void)kill(network->pid, SIGKILL);
	(void)wait_child(network->pid, 0, NULL);
	network->pid = 0;
}
