/* SPDX-License-Identifier: BSD-3-Clause OR GPL-2.0-or-later */
#include "session/own_session.h"

#include "common/error.h"
#include "common/wait_child.h"
#include "session/error_text.h"
#include "session/inherit.h"
#include "session/own_init.h"
#include "session/own_session_text.h"
#include "session/protocol.h"
#include "session/report.h"
#include "session/syscalls.h"
#include "session/working_directory.h"

#include <fcntl.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <string.h>
#include <sys/pidfd.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>

#define SETTINGS "/proc/sys"
#define READY    "ready"
#define FAILED   "failed"
#define ENTERED  "entered"

/* The ends of the socket pairs; SOCK_CLOEXEC, each closed by those whose it is not. */
struct channels {
	int questions, answers;    /* init, outside: who owns a file */
	int maker, caller;         /* maker, outside: READY init command, or FAILED error text */
	int init_side, maker_side; /* init, maker: a report, then ENTERED, then the end */
};

#define NO_CHANNELS                     \
	{                               \
		-1, -1, -1, -1, -1, -1, \
	}

static void channels_release(struct channels *channels)
{
	int *ends[] = { &channels->questions, &channels->answers,   &channels->maker,
			&channels->caller,    &channels->init_side, &channels->maker_side };

	for (size_t i = 0; i < ELEMENTS(ends); i++)
		*ends[i] = close_fd(*ends[i]);
}

static int open_pair(int *one, int *other)
{
	int pair[2];

	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair) < 0)
		return negative_errno();
	*one = pair[0];
	*other = pair[1];
	return 0;
}

static int channels_open(struct channels *ret)
{
	int r = open_pair(&ret->questions, &ret->answers);

	if (r == 0)
		r = open_pair(&ret->maker, &ret->caller);
	return r == 0 ? open_pair(&ret->init_side, &ret->maker_side) : r;
}

/* In the maker */

static int send_word(int socket, const char *word)
{
	_cleanup_(message_release) struct message message = { 0 };

	message_put(&message, word);
	return message_send(socket, &message, NULL, 0);
}

static _Noreturn void give_up(const struct channels *channels, int error, const char *step, const char *object,
			      const char *text)
{
	_cleanup_(message_release) struct message message = { 0 };
	_cleanup_free_ char *line = NULL;

	if (asprintf(&line, "step %s: %s%s%s", step, object, *object ? ": " : "", text ? text : strerror(-error)) < 0)
		line = NULL;
	message_put(&message, FAILED);
	message_put_number(&message, (uint64_t)-error);
	message_put(&message, line ? line : "out of memory");
	(void)!message_send(channels->maker, &message, NULL, 0);
	_exit(1);
}

static _Noreturn void give_up_step(const struct channels *channels, const char *step, const char *object, int error)
{
	const struct userns_settings settings = userns_settings_read(SETTINGS);
	_cleanup_free_ char *more = own_step_text(&settings, step, error), *text = NULL;
	char buffer[ERROR_TEXT_SIZE];

	if (asprintf(&text, "%s%s", step_error_text(step, error, buffer), more ? more : "") < 0)
		text = NULL;
	give_up(channels, error, step, object, text);
}

static int write_file(const char *path, const char *text)
{
	_cleanup_close_ int fd = open(path, O_WRONLY | O_CLOEXEC);
	const size_t length = strlen(text);

	/* one write(2), which the kernel takes whole or not at all */
	return fd < 0 || write(fd, text, length) != (ssize_t)length ? negative_errno() : 0;
}

/* user_namespaces(7): without the first nobody unprivileged may write the last, and groups could be dropped by it. */
static int write_maps(const struct own_ids *ids, const char **ret_file)
{
	char uid_map[40], gid_map[40];
	const struct {
		const char *path, *text;
	} files[] = { { "/proc/self/setgroups", "deny" },
		      { "/proc/self/uid_map", uid_map },
		      { "/proc/self/gid_map", gid_map } };
	int r = 0;

	(void)snprintf(uid_map, sizeof(uid_map), "%u %u 1", ids->map_root ? 0 : ids->uid, ids->uid);
	(void)snprintf(gid_map, sizeof(gid_map), "%u %u 1", ids->map_root ? 0 : ids->gid, ids->gid);
	for (size_t i = 0; r == 0 && i < ELEMENTS(files); i++) {
		*ret_file = files[i].path;
		r = write_file(files[i].path, files[i].text);
	}
	return r;
}

static void make_user_namespace(const struct own_order *order, const struct channels *channels)
{
	const char *object = "unshare";
	int r = unshare(CLONE_NEWUSER) < 0 ? negative_errno() : write_maps(&order->ids, &object);

	if (r < 0) {
		const struct userns_settings settings = userns_settings_read(SETTINGS);
		_cleanup_free_ char *text = userns_text(&settings, r);

		give_up(channels, r, step_name(STEP_OWN_USER_MAP), object, text);
	}
}

/* The other namespaces, of the new user namespace. A pidfd of the init. */
static int make_init(const struct own_order *order, struct channels *channels, pid_t *ret_pid)
{
	struct inherited inherited = INHERITED_NOTHING;
	const struct step *failed = NULL;
	int pidfd = -1;
	int r = inherit_enter(order->plan, -1, &inherited, &failed);
	struct clone_args args = {
		.flags = inherit_clone_flags(order->plan) | CLONE_PARENT | CLONE_PIDFD,
		.pidfd = (uint64_t)(uintptr_t)&pidfd,
	};

	if (r < 0)
		give_up_step(channels, step_name(failed->kind), "", r);
	*ret_pid = sys_clone3(&args);
	if (*ret_pid == 0) {
		/* the ends of others: it learns by them that those are gone */
		channels->maker = close_fd(channels->maker);
		channels->maker_side = close_fd(channels->maker_side);
		own_init(order->plan, channels->questions, channels->init_side);
	}
	if (*ret_pid < 0)
		give_up_step(channels, step_name(STEP_NAMESPACES), "clone3", negative_errno());
	channels->questions = close_fd(channels->questions);
	channels->init_side = close_fd(channels->init_side);
	return pidfd;
}

static void hear_report(const struct channels *channels)
{
	_cleanup_(message_release) struct message message = { 0 };
	struct report report = { 0 };
	size_t no_fds = 0;
	int r = message_receive(channels->maker_side, OWN_START_MS, &message, NULL, &no_fds);

	if (r == 0)
		r = report_decode(&message, &report);
	if (r < 0)
		give_up_step(channels, "init", "report", r);
	if (report.error < 0)
		give_up_step(channels, report.step, report.object, report.error);
}

/* Once we are in, the init gives up what it needed; then its end of the socket is closed. */
static void settle_init(const struct channels *channels)
{
	_cleanup_(message_release) struct message message = { 0 };
	size_t no_fds = 0;
	int r = send_word(channels->maker_side, ENTERED);

	if (r == 0)
		r = message_receive(channels->maker_side, OWN_START_MS, &message, NULL, &no_fds);
	if (r != -ECONNRESET)
		give_up_step(channels, "init", "seal", r < 0 ? r : -EPROTO);
}

/* True when the working directory is still the caller's. */
static bool enter(const struct own_order *order, const struct channels *channels, int init_pidfd)
{
	const int flags = (int)(order->plan->clone_flags & ~(unsigned)CLONE_NEWUSER);
	struct working_directory directory;
	struct stat now;
	bool same;

	working_directory_save(&directory);
	if (flags != 0 && setns(init_pidfd, flags) < 0)
		give_up_step(channels, step_name(STEP_SETNS), "", negative_errno());
	if (flags & CLONE_NEWNS)
		working_directory_restore(&directory);
	same = directory.path && stat(".", &now) == 0 && now.st_dev == directory.device &&
	       now.st_ino == directory.inode;
	working_directory_release(&directory);
	return same;
}

static void drop_privileges(const struct own_order *order, const struct channels *channels)
{
	const char *step = "";
	int r = privileges_drop(&order->privileges, &step);

	if (r < 0)
		give_up_step(channels, step, "", r);
}

static int send_ready(const struct channels *channels, pid_t init, pid_t command)
{
	_cleanup_(message_release) struct message message = { 0 };

	message_put(&message, READY);
	message_put_number(&message, (uint64_t)init);
	message_put_number(&message, (uint64_t)command);
	return message_send(channels->maker, &message, NULL, 0);
}

static _Noreturn void run_maker(const struct own_order *order, struct channels *channels, pid_t caller, int pidfd)
{
	struct clone_args args = { .flags = CLONE_PARENT };
	_cleanup_close_ int init_pidfd = -1;
	pid_t init, command;
	bool same;

	channels->answers = close_fd(channels->answers);
	channels->caller = close_fd(channels->caller);
	if (prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0) < 0 || getppid() != caller)
		_exit(1);
	make_user_namespace(order, channels);
	init_pidfd = make_init(order, channels, &init);
	hear_report(channels);
	same = enter(order, channels, init_pidfd);
	settle_init(channels);
	drop_privileges(order, channels);
	command = sys_clone3(&args);
	if (command == 0) {
		order->become(order->data, same, pidfd);
		_exit(1);
	}
	if (command < 0)
		give_up_step(channels, "command", "clone3", negative_errno());
	_exit(send_ready(channels, init, command) < 0 ? 1 : 0);
}

/* In the caller */

/* What the user owns is as good as root's: who could change it runs as them. */
static int answer_owner(int answers, uid_t own)
{
	_cleanup_(message_release) struct message question = { 0 }, answer = { 0 };
	_cleanup_close_ int fd = -1;
	struct stat status;
	size_t fds = 1;
	int r = message_receive(answers, OWN_START_MS, &question, &fd, &fds);

	if (r < 0)
		return r;
	if (fds != 1 || fstat(fd, &status) < 0)
		return -EBADMSG;
	message_put_number(&answer, status.st_uid == own ? 0 : status.st_uid);
	return message_send(answers, &answer, NULL, 0);
}

static int hear_maker(int caller, struct own_session *session, char **ret_text)
{
	_cleanup_(message_release) struct message message = { 0 };
	struct message_reader reader;
	size_t no_fds = 0;
	int error, r = message_receive(caller, OWN_START_MS, &message, NULL, &no_fds);

	if (r < 0)
		return r;
	reader = message_read(&message);
	if (strcmp(message_get(&reader), READY) == 0) {
		session->init = (pid_t)message_get_number(&reader, INT32_MAX);
		session->command = (pid_t)message_get_number(&reader, INT32_MAX);
		return reader.error;
	}
	error = -(int)message_get_number(&reader, INT32_MAX);
	*ret_text = strdup(message_get(&reader));
	return reader.error < 0 ? reader.error : error;
}

/* Until the maker has said how it went. */
static int serve(const struct channels *channels, uid_t own, struct own_session *session, char **ret_text)
{
	int answers = channels->answers;

	for (;;) {
		struct pollfd pollers[] = {
			{ .fd = channels->caller, .events = POLLIN },
			{ .fd = answers, .events = POLLIN },
		};
		int r = poll_until(pollers, ELEMENTS(pollers), OWN_START_MS);

		if (r <= 0)
			return r < 0 ? r : -ETIMEDOUT;
		if (pollers[0].revents)
			return hear_maker(channels->caller, session, ret_text);
		r = answer_owner(answers, own);
		/* the init has no more questions, or has ended: the maker knows */
		if (r == -ECONNRESET || r == -EPIPE)
			answers = -1;
		else if (r < 0)
			return r;
	}
}

static void reap(pid_t pid)
{
	(void)wait_child(pid, 0, NULL);
}

/* Where making it failed: its init, if there is one, ends as the maker's socket does, or with us. */
static int describe(char **ret_text, int error)
{
	if (!*ret_text && asprintf(ret_text, "step init: %s",
				   error == -ECONNRESET ? "it was killed: out of memory?" : strerror(-error)) < 0)
		*ret_text = NULL;
	return error;
}

int own_session_start(const struct own_order *order, struct own_session *ret, char **ret_text)
{
	_cleanup_(channels_release) struct channels channels = NO_CHANNELS;
	_cleanup_close_ int self = pidfd_open(getpid(), 0);
	const pid_t caller = getpid();
	int r = self < 0 ? negative_errno() : channels_open(&channels);
	pid_t maker;

	*ret = (struct own_session){ 0 };
	*ret_text = NULL;
	if (r < 0)
		return describe(ret_text, r);
	maker = fork();
	if (maker == 0)
		run_maker(order, &channels, caller, self);
	if (maker < 0)
		return describe(ret_text, negative_errno());
	channels.questions = close_fd(channels.questions);
	channels.maker = close_fd(channels.maker);
	channels.init_side = close_fd(channels.init_side);
	channels.maker_side = close_fd(channels.maker_side);
	r = serve(&channels, order->ids.uid, ret, ret_text);
	if (r < 0)
		(void)kill(maker, SIGKILL);
	reap(maker);
	return r < 0 ? describe(ret_text, r) : 0;
}

void own_session_end(struct own_session *session)
{
	if (session->init == 0)
		return;
	/* our child, which nobody has waited for: its number is nobody else's */
	(void)kill(session->init, SIGKILL);
	reap(session->init);
	session->init = 0;
}
