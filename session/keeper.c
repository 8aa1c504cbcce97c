/* SPDX-License-Identifier: BSD-3-Clause OR GPL-2.0-or-later */
#include "session/keeper.h"

#include "common/clock.h"
#include "session/join_protocol.h"
#include "session/record_store.h"
#include "session/seal.h"

#include <poll.h>
#include <signal.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/wait.h>

/* A request is sent right after the connection is made. */
#define REQUEST_MS 1000

/* The caller's pidfd and socket, record, place, listener and signals; a connection and the two that it brings. */
#define OWN_DESCRIPTORS 9

/*
 * How often a session without logins is looked at where the kernel tells nothing: the processes that
 * are left are not the init's children, for their parents died outside.
 */
#define LOOK_FIRST_MS 100
#define LOOK_LAST_MS  10000

/*
 * How long the listener is left alone when a connection could not be taken for want of descriptors or memory; and
 * SIGCHLD after one: each is a walk through all processes, of which the user may have thousands, that end as fast as
 * they begin.
 */
#define PAUSE_MS 100

struct login {
	char name[LOGIN_ID_LENGTH + 1]; /* "" of the one that opened the session */
	int pidfd;
	int record; /* -1 of the one that opened the session: it is the session's */
};

struct keeper {
	const struct init_arguments *arguments;
	struct login *logins;
	struct pollfd *pollers; /* room for every login and the three below */
	size_t count, room;
	int caller;          /* until the one who opened the session is in or gone, then -1 */
	int64_t enter_until; /* monotonic milliseconds */
	int children;        /* signalfd(2) of SIGCHLD once the session had no login, -1 before */
	int look_ms;
	bool deaf;  /* to the listener until the next wait is over */
	bool blind; /* to the ends of children, likewise */
};

enum { POLL_CALLER, POLL_LISTENER, POLL_CHILDREN, POLL_LOGINS };

static void add_login(struct keeper *keeper, const char *name, int pidfd, int record)
{
	struct login *login = &keeper->logins[keeper->count++];

	*login = (struct login){ .pidfd = pidfd, .record = record };
	memcpy(login->name, name, strnlen(name, LOGIN_ID_LENGTH));
}

/* The one who opened the session is in, or will not come: nobody needs to enter by the init. */
static void end_of_entering(struct keeper *keeper)
{
	if (keeper->caller < 0)
		return;
	if (seal_memory() < 0)
		_exit(1);
	keeper->caller = close_fd(keeper->caller);
}

static void drop_login(struct keeper *keeper, size_t i)
{
	struct login *login = &keeper->logins[i];

	close_fd(login->pidfd);
	if (login->record < 0) {
		end_of_entering(keeper);
		record_unlock(keeper->arguments->files.record, RECORD_LOCK_LOGIN);
	}
	/* of a later login; this gives its lock back */
	close_fd(login->record);
	keeper->logins[i] = keeper->logins[--keeper->count];
}

/* The index of a login, or count. */
static size_t find_login(const struct keeper *keeper, const char *name)
{
	size_t i = 0;

	if (strcmp(name, keeper->arguments->id) == 0)
		name = "";
	while (i < keeper->count && strcmp(keeper->logins[i].name, name) != 0)
		i++;
	return i;
}

/* The word that says it is in ends the entering; anything else (it died, it gave up, time is over) its login. */
static void hear_caller(struct keeper *keeper)
{
	_cleanup_(message_release) struct message message = { 0 };
	struct message_reader reader;
	size_t no_fds = 0;

	if (message_receive(keeper->caller, 0, &message, NULL, &no_fds) == 0) {
		reader = message_read(&message);
		if (strcmp(message_get(&reader), PROTOCOL_VERSION) == 0) {
			end_of_entering(keeper);
			return;
		}
	}
	drop_login(keeper, find_login(keeper, ""));
}

/* kill(2): -1 is every process of the PID namespace but the caller, and ESRCH means that there is none. */
static bool is_alone(void)
{
	return kill(-1, 0) < 0 && errno == ESRCH;
}

static bool has_children(void)
{
	return waitid(P_ALL, 0, NULL, WEXITED | WNOHANG | WNOWAIT) == 0;
}

static void ignore(int signal)
{
	(void)signal;
}

/*
 * From now on the end of a child wakes us; SA_NOCLDWAIT has the kernel still reap it, wait(2). Before the
 * first look at what is left, so that no end is missed. Tolerates failure: then we look from time to time.
 */
static void watch_children(struct keeper *keeper)
{
	const struct sigaction action = { .sa_handler = ignore, .sa_flags = SA_NOCLDWAIT | SA_RESTART };
	sigset_t child;

	if (keeper->children >= 0)
		return;
	sigemptyset(&child);
	sigaddset(&child, SIGCHLD);
	(void)sigprocmask(SIG_BLOCK, &child, NULL);
	(void)sigaction(SIGCHLD, &action, NULL);
	keeper->children = signalfd(-1, &child, SFD_CLOEXEC | SFD_NONBLOCK);
}

static bool is_over(struct keeper *keeper)
{
	if (keeper->count > 0)
		return false;
	if (!keeper->arguments->wait)
		return true;
	watch_children(keeper);
	return is_alone();
}

static const char *take_in(struct keeper *keeper, const char *name, int fds[2], size_t fd_count)
{
	if (fd_count != 2 || strlen(name) != LOGIN_ID_LENGTH || find_login(keeper, name) < keeper->count)
		return JOIN_UNKNOWN;
	if (keeper->count == keeper->room || record_lock(fds[1], RECORD_LOCK_LOGIN) < 0)
		return JOIN_FULL;
	add_login(keeper, name, fds[0], fds[1]);
	fds[0] = fds[1] = -1;
	keeper->look_ms = LOOK_FIRST_MS;
	return JOIN_JOINED;
}

static const char *let_go(struct keeper *keeper, const char *name)
{
	size_t i = find_login(keeper, name);

	/* the one that opened the session is called by the session's id */
	if (*name == '\0' || i == keeper->count)
		return JOIN_UNKNOWN;
	drop_login(keeper, i);
	return is_over(keeper) ? JOIN_ENDED : JOIN_LEFT;
}

static void answer(struct keeper *keeper, int connection, const char *word, const char *name)
{
	_cleanup_(message_release) struct message message = { 0 };
	bool joined = strcmp(word, JOIN_JOINED) == 0;

	message_put(&message, PROTOCOL_VERSION);
	message_put(&message, word);
	/* whoever does not hear that it is in will not come in */
	if (message_send(connection, &message, NULL, 0) < 0 && joined)
		drop_login(keeper, find_login(keeper, name));
}

static void serve(struct keeper *keeper, int connection)
{
	_cleanup_(message_release) struct message message = { 0 };
	struct message_reader reader;
	struct ucred peer;
	socklen_t size = sizeof(peer);
	int fds[2] = { -1, -1 };
	size_t fd_count = ELEMENTS(fds);
	const char *verb, *name, *word = JOIN_UNKNOWN;

	/* the directory is root's alone; and so is whoever got a descriptor into it */
	if (getsockopt(connection, SOL_SOCKET, SO_PEERCRED, &peer, &size) < 0 || peer.uid != 0)
		return;
	if (message_receive(connection, REQUEST_MS, &message, fds, &fd_count) < 0)
		return;
	reader = message_read(&message);
	if (strcmp(message_get(&reader), PROTOCOL_VERSION) == 0) {
		verb = message_get(&reader);
		name = message_get(&reader);
		if (!reader.error && strcmp(verb, JOIN_VERB) == 0)
			word = take_in(keeper, name, fds, fd_count);
		else if (!reader.error && strcmp(verb, LEAVE_VERB) == 0)
			word = let_go(keeper, name);
		answer(keeper, connection, word, name);
	}
	close_fd(fds[0]);
	close_fd(fds[1]);
}

static void accept_one(struct keeper *keeper)
{
	_cleanup_close_ int connection = -1;

	/* cppcheck-suppress nullPointer ; accept(2): nobody wants the address */
	connection = accept4(keeper->arguments->files.listener, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);
	if (connection >= 0)
		serve(keeper, connection);
	else if (errno != EAGAIN)
		/* who knocks is still there: without a pause we would do nothing but ask */
		keeper->deaf = true;
}

/* -1: the kernel wakes us for whatever matters. */
static int timeout(struct keeper *keeper)
{
	int look = keeper->look_ms;
	int64_t left;

	if (keeper->caller >= 0) {
		left = keeper->enter_until - now_ms();
		return left > 0 ? (int)left : 0;
	}
	if (keeper->count > 0 || (keeper->children >= 0 && has_children()))
		return -1;
	keeper->look_ms = look < LOOK_LAST_MS / 2 ? look * 2 : LOOK_LAST_MS;
	return look;
}

/* Where we are deaf or blind, no longer than that may be. */
static int time_to_wait(struct keeper *keeper)
{
	int left = timeout(keeper);

	return (keeper->deaf || keeper->blind) && (left < 0 || left > PAUSE_MS) ? PAUSE_MS : left;
}

static void drop_ended_logins(struct keeper *keeper)
{
	/* backwards: the last one takes the place of one that is dropped */
	for (size_t i = keeper->count; i-- > 0;)
		if (keeper->pollers[POLL_LOGINS + i].revents)
			drop_login(keeper, i);
}

static void forget_children(const struct keeper *keeper)
{
	struct signalfd_siginfo info;

	while (read(keeper->children, &info, sizeof(info)) == sizeof(info))
		;
}

static void wait_once(struct keeper *keeper)
{
	struct pollfd *pollers = keeper->pollers;
	const int fixed[POLL_LOGINS] = {
		[POLL_CALLER] = keeper->caller,
		[POLL_LISTENER] = keeper->deaf ? -1 : keeper->arguments->files.listener,
		[POLL_CHILDREN] = keeper->blind ? -1 : keeper->children,
	};
	int ready;

	/* poll(2) passes over negative descriptors */
	for (size_t i = 0; i < POLL_LOGINS; i++)
		pollers[i] = (struct pollfd){ .fd = fixed[i], .events = POLLIN };
	for (size_t i = 0; i < keeper->count; i++)
		pollers[POLL_LOGINS + i] = (struct pollfd){ .fd = keeper->logins[i].pidfd, .events = POLLIN };
	ready = poll(pollers, POLL_LOGINS + keeper->count, time_to_wait(keeper));
	keeper->deaf = keeper->blind = false;
	/* EINTR: a stop and continue */
	if (ready < 0)
		return;
	drop_ended_logins(keeper);
	if (keeper->caller >= 0 && (pollers[POLL_CALLER].revents || now_ms() >= keeper->enter_until))
		hear_caller(keeper);
	if (pollers[POLL_CHILDREN].revents) {
		forget_children(keeper);
		keeper->blind = true;
	}
	if (pollers[POLL_LISTENER].revents)
		accept_one(keeper);
}

/* How many logins it can hold: two descriptors each, besides those of the init and of one who just asks. */
static size_t room_for_logins(bool shared)
{
	struct rlimit limit;
	rlim_t room;

	if (!shared || getrlimit(RLIMIT_NOFILE, &limit) < 0 || limit.rlim_cur < OWN_DESCRIPTORS + 2)
		return 1;
	room = (limit.rlim_cur - OWN_DESCRIPTORS) / 2;
	return room < JOIN_LOGINS_MAX ? (size_t)room : JOIN_LOGINS_MAX;
}

void keep_session(const struct init_arguments *arguments)
{
	const size_t room = room_for_logins(arguments->files.listener >= 0);
	struct keeper keeper = {
		.arguments = arguments,
		.logins = calloc(room, sizeof(*keeper.logins)),
		.pollers = calloc(POLL_LOGINS + room, sizeof(*keeper.pollers)),
		.room = room,
		.caller = arguments->caller,
		.enter_until = now_ms() + KEEPER_ENTER_MS,
		.children = -1,
		.look_ms = LOOK_FIRST_MS,
	};

	if (!keeper.logins || !keeper.pollers)
		return;
	add_login(&keeper, "", arguments->caller_pidfd, -1);
	while (!is_over(&keeper))
		wait_once(&keeper);
}
