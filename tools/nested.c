/* SPDX-License-Identifier: BSD-3-Clause OR GPL-2.0-or-later */

/*
 * The side of nested_read.h that asks. One child reads inside all sessions in which something may be, one after
 * another; on most hosts there is none. When it says nothing any more it is given up, and each of the sessions that are
 * left has a child of its own, some at a time: a session that holds its reader up then keeps nobody from the others.
 * Their pipes are emptied until all have ended or time is over. What a child has said is taken as the kernel's word;
 * the text of a record as that of whoever is root inside.
 */

#include "tools/nested.h"

#include "common/clock.h"
#include "common/error.h"
#include "common/wait_child.h"
#include "tools/nested_read.h"
#include "tools/session_tree.h"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <sys/wait.h>

#define AT_ONCE     32
#define ANSWER_MS   3000 /* for each such number of sessions */
#define SILENCE_MS  300  /* of the child that reads in all of them */
#define SWEEP_MS    3000
#define SWEEP_BYTES ((size_t)8 * 1024 * 1024)

static const char *const cut_texts[NESTED_CUTS] = {
	[NESTED_TOO_MANY_FILES] = "there are too many files in its /run/nsisolate",
	[NESTED_TOO_MANY_SESSIONS] = "there are too many",
	[NESTED_TOO_DEEP] = "they are too deep",
	[NESTED_STRANGE] = "its /run/nsisolate is not what it was when the session was opened",
	[NESTED_UNREADABLE] = "its /run/nsisolate cannot be read",
	[NESTED_SLOW] = "reading in it takes too long",
};

/* A child that reads inside a session, or some. */
struct asked {
	pid_t child;
	int pipe;
	char *bytes;
	size_t size, room;
	bool ended; /* all that it will say is there */
};

static struct nested_place place_of(const struct session *session)
{
	struct nested_place place = { .init = session->view.init_pid };

	memcpy(place.namespaces, session->namespaces, sizeof(place.namespaces));
	return place;
}

static int start(struct session *const *sessions, size_t count, const struct nested_place *known, size_t known_count,
		 struct asked *ret)
{
	int ends[2];

	if (pipe2(ends, O_CLOEXEC) < 0)
		return negative_errno();

	pid_t child = fork();

	if (child == 0) {
		static struct nested_answer answer;

		answer.pipe = ends[1];
		(void)signal(SIGPIPE, SIG_DFL);
		for (size_t i = 0; i < count; i++) {
			const struct nested_place place = place_of(sessions[i]);

			nested_read(&place, known, known_count, &answer);
		}
		nested_flush(&answer);
		_exit(0);
	}
	close_fd(ends[1]);
	if (child < 0) {
		close_fd(ends[0]);
		return negative_errno();
	}
	(void)fcntl(ends[0], F_SETFL, O_NONBLOCK);
	*ret = (struct asked){ .child = child, .pipe = ends[0] };
	return 0;
}

/* As much as there is now. */
static int hear(struct asked *asked)
{
	for (;;) {
		if (asked->size == asked->room) {
			size_t room = asked->room * 2 + 4096;
			char *bytes = realloc(asked->bytes, room);

			if (!bytes)
				return -ENOMEM;
			asked->bytes = bytes;
			asked->room = room;
		}

		ssize_t got = read(asked->pipe, asked->bytes + asked->size, asked->room - asked->size);

		if (got > 0) {
			asked->size += (size_t)got;
			continue;
		}
		if (got < 0 && errno == EINTR)
			continue;
		if (got == 0 || errno != EAGAIN)
			asked->ended = true;
		return 0;
	}
}

/* Whether there was something to hear of somebody before the time was over. */
static int hear_all(struct asked *asked, size_t count, int64_t until)
{
	for (;;) {
		struct pollfd pollers[AT_ONCE];
		int64_t left = until - now_ms();
		size_t waiting = 0;

		for (size_t i = 0; i < count; i++) {
			pollers[i] = (struct pollfd){ .fd = asked[i].ended ? -1 : asked[i].pipe, .events = POLLIN };
			waiting += asked[i].ended ? 0 : 1;
		}
		if (waiting == 0 || left <= 0)
			return 0;
		if (poll(pollers, count, (int)left) < 0 && errno != EINTR)
			return -errno;
		for (size_t i = 0; i < count; i++) {
			int r = !asked[i].ended && pollers[i].revents ? hear(&asked[i]) : 0;

			if (r < 0)
				return r;
		}
	}
}

/* One that is killed is not waited for: it may be held up where no signal reaches it, and is init's when we end. */
static void stop(struct asked *asked)
{
	if (!asked->ended)
		(void)kill(asked->child, SIGKILL);
	(void)wait_child(asked->child, asked->ended ? 0 : WNOHANG, NULL);
	close_fd(asked->pipe);
	free(asked->bytes);
}

/* Two of the reader's sessions without a PID namespace of their own may both claim one process: the first has it. */
static bool is_taken(const struct sessions *sessions, const struct session *outer, pid_t init)
{
	if (outer->inside || outer->view.record.namespaces[NAMESPACE_PID] != 0)
		return false;
	for (size_t i = 0; i < sessions->count; i++) {
		if (sessions->items[i]->view.init_pid == init && session_is_alive(sessions->items[i]))
			return true;
	}
	return false;
}

/* What root inside calls a session must not be mistaken for one of the reader's. */
static bool is_reserved(const struct sessions *sessions, const char *name)
{
	for (size_t i = 0; i < sessions->count && !sessions->items[i]->inside; i++) {
		if (strncmp(sessions->items[i]->view.name, name, SESSION_ID_LENGTH) == 0)
			return true;
	}
	return false;
}

static int add_one(struct sessions *sessions, struct session *outer, const struct nested_head *head, const char *text,
		   struct session **ret)
{
	struct record_view view = {
		.valid = true,
		.alive = true,
		.login_alive = head->login_alive,
		.init_pid = head->place.init,
	};
	struct session *session = NULL;
	int r = record_parse(text, head->size, &view.record);

	/* what is within a session that was passed over is passed over, too */
	if (r == -EBADMSG || !outer ||
	    (r == 0 && (is_reserved(sessions, head->name) || is_taken(sessions, outer, head->place.init)))) {
		record_release(&view.record);
		return 0;
	}
	if (r < 0)
		return r;
	sessions_shift(sessions, &view);
	memcpy(view.name, head->name, sizeof(head->name));
	r = sessions_append(sessions, &view, &session);
	if (r < 0)
		return r;
	session->state = SESSION_ACTIVE;
	session->login = head->login_alive ? LOGIN_RUNNING : LOGIN_GONE;
	session->seen = true;
	session->inside = true;
	session->outer = outer;
	memcpy(session->namespaces, head->place.namespaces, sizeof(session->namespaces));
	*ret = session;
	return 0;
}

/* What was said of one session. */
static int add_heard(struct sessions *sessions, struct session *session, const char *bytes, size_t size)
{
	struct session *found[NESTED_SESSIONS_MAX + 1] = { session };
	enum nested_cut cut = NESTED_SLOW;
	size_t at = 0, count = 1;
	bool lost = false;

	while (size - at >= sizeof(struct nested_head)) {
		struct nested_head head;

		memcpy(&head, bytes + at, sizeof(head));
		at += sizeof(head);
		if (head.size == 0) {
			cut = head.cut;
			break;
		}
		if (head.size > size - at || head.outer >= count || count == ELEMENTS(found))
			break;

		int r = add_one(sessions, found[head.outer], &head, bytes + at, &found[count]);

		if (r < 0)
			return r;
		if (!found[count])
			lost = true;
		at += head.size;
		count++;
	}
	session->cut = lost && cut == NESTED_WHOLE ? "one claims to be another session" : cut_texts[cut];
	return 0;
}

static int ask(struct sessions *sessions, struct session **outers, size_t count, const struct nested_place *known,
	       size_t known_count)
{
	struct asked asked[AT_ONCE];
	size_t started = 0;
	int r = 0;

	while (r == 0 && started < count) {
		r = start(&outers[started], 1, known, known_count, &asked[started]);
		started += r == 0 ? 1 : 0;
	}
	if (r == 0)
		r = hear_all(asked, started, now_ms() + ANSWER_MS);
	for (size_t i = 0; i < started; i++) {
		if (r == 0)
			r = add_heard(sessions, outers[i], asked[i].bytes, asked[i].size);
		stop(&asked[i]);
	}
	return r;
}

/* Bytes of the answer about one session, to its end; 0: that is not there. */
static size_t answer_size(const char *bytes, size_t size)
{
	size_t at = 0;

	while (size - at >= sizeof(struct nested_head)) {
		struct nested_head head;

		memcpy(&head, bytes + at, sizeof(head));
		at += sizeof(head);
		if (head.size == 0)
			return at;
		if (head.size > size - at)
			break;
		at += head.size;
	}
	return 0;
}

/* Until it ends, or is silent for too long, or will not end in good time. */
static int hear_on(struct asked *asked)
{
	const int64_t until = now_ms() + SWEEP_MS;

	while (!asked->ended && asked->size < SWEEP_BYTES && now_ms() < until) {
		struct pollfd poller = { .fd = asked->pipe, .events = POLLIN };
		int got = poll(&poller, 1, SILENCE_MS);

		if (got == 0)
			break;
		if (got < 0 && errno != EINTR)
			return negative_errno();

		int r = got > 0 ? hear(asked) : 0;

		if (r < 0)
			return r;
	}
	return 0;
}

/* One child for all. *ret_done: how many of them it got to the end of. */
static int sweep(struct sessions *sessions, struct session *const *outers, size_t count,
		 const struct nested_place *known, size_t known_count, size_t *ret_done)
{
	struct asked asked;
	size_t at = 0, done = 0, size;
	int r = start(outers, count, known, known_count, &asked);

	if (r < 0)
		return r;
	r = hear_on(&asked);
	while (r == 0 && done < count && asked.size > at &&
	       (size = answer_size(asked.bytes + at, asked.size - at)) > 0) {
		r = add_heard(sessions, outers[done++], asked.bytes + at, size);
		at += size;
	}
	stop(&asked);
	*ret_done = done;
	return r;
}

/* With mounts of its own, in which the kernel has the very init that the record tells of. */
static bool may_contain(const struct session *session, const uint64_t *host)
{
	uint64_t own = session->view.record.namespaces[NAMESPACE_MOUNT];

	return session_is_alive(session) && session->view.valid && session->seen && own != 0 &&
	       own == session->namespaces[NAMESPACE_MOUNT] && own != host[NAMESPACE_MOUNT];
}

int nested_add(struct sessions *sessions, struct nested_scout *scout)
{
	const size_t count = sessions->count;
	_cleanup_free_ struct session **outers = calloc(count + 1, sizeof(struct session *));
	_cleanup_free_ struct nested_place *known =
		calloc(count + 1, sizeof(*known)); /* the reader's own is the last */
	size_t outer_count = 0, done = 0;
	int r = 0;

	if (!outers || !known)
		return -ENOMEM;
	if (scout)
		nested_scout_wait(scout);
	for (size_t i = 0; i < count; i++) {
		known[i] = place_of(sessions->items[i]);
		if (may_contain(sessions->items[i], sessions->host) &&
		    !(scout && nested_scout_is_empty(scout, sessions->items[i]->view.init_pid)))
			outers[outer_count++] = sessions->items[i];
	}
	memcpy(known[count].namespaces, sessions->host, sizeof(sessions->host));
	if (outer_count > 0)
		r = sweep(sessions, outers, outer_count, known, count + 1, &done);
	for (size_t i = done; r == 0 && i < outer_count; i += AT_ONCE)
		r = ask(sessions, outers + i, outer_count - i < AT_ONCE ? outer_count - i : AT_ONCE, known, count + 1);
	return r;
}
