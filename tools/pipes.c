/* SPDX-License-Identifier: BSD-3-Clause OR GPL-2.0-or-later */
#include "tools/pipes.h"

#include "common/error.h"

#include <fcntl.h>

#define DRAIN_MAX (1 << 20) /* bytes; what a pipe holds at most, pipe(7) */

const struct pipes pipes_none = { .ours = { -1, -1, -1 }, .theirs = { -1, -1, -1 } };

static bool is_input(size_t stream)
{
	return stream == STDIN_FILENO;
}

int pipes_open(struct pipes *ret, uid_t uid)
{
	*ret = pipes_none;
	for (size_t i = 0; i < PIPES; i++) {
		int ends[2];

		if (pipe2(ends, O_CLOEXEC) < 0)
			return negative_errno();
		ret->ours[i] = ends[is_input(i) ? 1 : 0];
		ret->theirs[i] = ends[is_input(i) ? 0 : 1];
		if (fcntl(ret->ours[i], F_SETFL, O_NONBLOCK) < 0 || fchown(ret->theirs[i], uid, (gid_t)-1) < 0)
			return negative_errno();
	}
	return 0;
}

void pipes_close_theirs(struct pipes *pipes)
{
	for (size_t i = 0; i < PIPES; i++)
		pipes->theirs[i] = close_fd(pipes->theirs[i]);
}

void pipes_close(struct pipes *pipes)
{
	pipes_close_theirs(pipes);
	for (size_t i = 0; i < PIPES; i++)
		pipes->ours[i] = close_fd(pipes->ours[i]);
}

static int source_of(const struct pipes *pipes, size_t stream)
{
	return is_input(stream) ? STDIN_FILENO : pipes->ours[stream];
}

static int target_of(const struct pipes *pipes, size_t stream)
{
	return is_input(stream) ? pipes->ours[stream] : (int)stream;
}

/* Closing our end tells: of input that there is no more, of output that nobody reads it. */
static void end_stream(struct pipes *pipes, size_t stream)
{
	pipes->sources_ended[stream] = true;
	relay_clear(&pipes->relays[stream]);
	pipes->ours[stream] = close_fd(pipes->ours[stream]);
}

void pipes_poll(const struct pipes *pipes, struct pollfd pollers[PIPES_POLLFDS])
{
	for (size_t i = 0; i < PIPES; i++) {
		bool empty = relay_is_empty(&pipes->relays[i]);
		bool reads = empty && !pipes->sources_ended[i];

		/* a hangup is told whether asked for or not: without a question there is no descriptor */
		pollers[2 * i] = (struct pollfd){ .fd = reads ? source_of(pipes, i) : -1, .events = POLLIN };
		/* but that nobody takes input any more is worth knowing at once: poll(2), POLLERR */
		pollers[2 * i + 1] = (struct pollfd){
			.fd = !empty || is_input(i) ? target_of(pipes, i) : -1,
			.events = empty ? 0 : POLLOUT,
		};
	}
}

static void relay_stream(struct pipes *pipes, size_t stream, const struct pollfd *source, const struct pollfd *target)
{
	struct relay *relay = &pipes->relays[stream];
	int r = 0;

	if (target->revents && !relay_is_empty(relay))
		r = relay_write(relay, target_of(pipes, stream));
	else if (target->revents)
		r = -EPIPE;
	else if (source->revents)
		r = relay_read(relay, source_of(pipes, stream)) == 0 ? -ENODATA : 0;
	if (r < 0 && r != -EAGAIN)
		end_stream(pipes, stream);
}

void pipes_relay(struct pipes *pipes, const struct pollfd pollers[PIPES_POLLFDS])
{
	for (size_t i = 0; i < PIPES; i++)
		relay_stream(pipes, i, &pollers[2 * i], &pollers[2 * i + 1]);
}

static void drain_stream(struct pipes *pipes, size_t stream)
{
	struct relay *relay = &pipes->relays[stream];
	size_t drained = 0;

	while (drained < DRAIN_MAX && pipes->ours[stream] >= 0) {
		int r;

		if (!relay_is_empty(relay)) {
			struct pollfd poller = { .fd = (int)stream, .events = POLLOUT };

			/* tolerates EINTR: a signal that is ours now */
			(void)poll(&poller, 1, -1);
			r = relay_write(relay, (int)stream);
			if (r < 0 && r != -EAGAIN)
				return;
			continue;
		}
		/* never waits: -EAGAIN is all there was */
		if (relay_read(relay, pipes->ours[stream]) <= 0)
			return;
		drained += relay->end;
	}
}

void pipes_drain(struct pipes *pipes)
{
	end_stream(pipes, STDIN_FILENO);
	drain_stream(pipes, STDOUT_FILENO);
	drain_stream(pipes, STDERR_FILENO);
}
