/* SPDX-License-Identifier: BSD-3-Clause OR GPL-2.0-or-later */
#include "session/client.h"

#include "session/join_protocol.h"
#include "session/record_store.h"
#include "session/report.h"
#include "session/helper_ask.h"
#include "session/working_directory.h"

#include <fcntl.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/pidfd.h>
#include <sys/wait.h>

/* Waiting for the init at close, pidfd_send_signal(2) and poll(2): see wait_for_end(). */
#define CLOSE_STEP_MS 5
#define CLOSE_STEPS   400

/* Appends which policy wanted the step that failed: whom to ask, and where to mend it. */
static void say_policy(char **ret_text, const char *policy)
{
	char *text = NULL;

	if (!*ret_text || asprintf(&text, "%s (policy %s)", *ret_text, policy) < 0)
		return;
	free(*ret_text);
	*ret_text = text;
}

struct session *session_free(struct session *session)
{
	if (!session)
		return NULL;
	close_fd(session->init_pidfd);
	for (size_t i = 0; i < NAMESPACE_KINDS; i++)
		close_fd(session->outside[i]);
	if (session->opener)
		(void)munmap(session->opener, sizeof(*session->opener));
	free(session->user);
	free(session->policy);
	free(session->mode);
	free(session->notice);
	free(session);
	return NULL;
}

static void session_freep(struct session **session)
{
	*session = session_free(*session);
}

static int mark_opener(struct session *session)
{
	void *page = mmap(NULL, sizeof(*session->opener), PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	if (page == MAP_FAILED)
		return -errno;
	session->opener = page;
	if (madvise(page, sizeof(*session->opener), MADV_WIPEONFORK) < 0)
		return -errno;
	*session->opener = true;
	return 0;
}

bool session_is_audit(const struct session *session)
{
	return strcmp(session->mode, MODE_NAME_AUDIT) == 0;
}

bool session_is_own(const struct session *session)
{
	return *session->opener;
}

static struct session *session_new(const struct session_request *request, const struct session_reply *reply)
{
	_cleanup_(session_freep) struct session *session = calloc(1, sizeof(*session));

	if (!session)
		return NULL;
	memcpy(session->id, reply->id, sizeof(session->id));
	memcpy(session->login, reply->login, sizeof(session->login));
	session->shared = reply->shared;
	session->uid = request->uid;
	memcpy(session->namespaces, reply->namespaces, sizeof(session->namespaces));
	session->policy_hash = reply->policy_hash;
	session->clone_flags = reply->clone_flags;
	session->privileges = reply->privileges;
	session->init_pidfd = -1;
	for (size_t i = 0; i < NAMESPACE_KINDS; i++)
		session->outside[i] = -1;
	session->user = strdup(request->user);
	session->policy = strdup(reply->policy);
	session->mode = strdup(reply->mode);
	session->notice = strdup(reply->notice);
	if (!session->user || !session->policy || !session->mode || !session->notice || mark_opener(session) < 0)
		return NULL;
	return TAKE_PTR(session);
}

/* Opened before the setns: afterwards /proc/self leads nowhere, pid_namespaces(7). */
static int open_outside(struct session *session)
{
	_cleanup_close_ int directory = -1;

	/* user_namespaces(7): who has gone into one has no capability outside, and cannot come back */
	if (session->clone_flags & CLONE_NEWUSER)
		return 0;
	directory = open("/proc/self/ns", O_PATH | O_DIRECTORY | O_CLOEXEC);
	if (directory < 0)
		return -errno;
	for (size_t i = 0; i < NAMESPACE_KINDS; i++) {
		if (!(session->clone_flags & (unsigned)namespace_table[i].clone_flag))
			continue;
		session->outside[i] = openat(directory, namespace_table[i].children_link, O_RDONLY | O_CLOEXEC);
		if (session->outside[i] < 0)
			return -errno;
	}
	return 0;
}

static int go_outside(const struct session *session)
{
	struct working_directory directory;
	int r = 0;

	working_directory_save(&directory);
	for (size_t i = 0; i < NAMESPACE_KINDS; i++)
		if (session->outside[i] >= 0 && setns(session->outside[i], namespace_table[i].clone_flag) < 0 && r == 0)
			r = -errno;
	if (session->outside[NAMESPACE_MOUNT] >= 0)
		working_directory_restore(&directory);
	working_directory_release(&directory);
	return r;
}

/*
 * The one setns(2). It is a ptrace(2) access check by real user id, which
 * under su and sudo is the invoking user's: all three are 0 for its duration.
 */
static int go_inside(int init_pidfd, unsigned clone_flags)
{
	struct working_directory directory;
	uid_t real, effective, saved;
	bool change;
	int r = 0;

	if (getresuid(&real, &effective, &saved) < 0)
		return -errno;
	change = real != 0 || saved != 0;
	working_directory_save(&directory);
	/* a policy may isolate nothing: then there is nowhere to go, and 0 would be EINVAL */
	if ((change && setresuid(0, 0, 0) < 0) || (clone_flags != 0 && setns(init_pidfd, (int)clone_flags) < 0))
		r = -errno;
	if (r == 0 && (clone_flags & CLONE_NEWNS))
		working_directory_restore(&directory);
	working_directory_release(&directory);
	/* as it was: a login program that stays root by surprise would be worse than one that is refused */
	if (change && setresuid(real, effective, saved) < 0 && r == 0)
		r = -errno;
	return r;
}

static int acknowledge(int socket)
{
	_cleanup_(message_release) struct message message = { 0 };

	message_put(&message, PROTOCOL_VERSION);
	return message_send(socket, &message, NULL, 0);
}

/* Waits until the init has done its steps and shown the record. The helper no longer holds the socket, or soon will
 * not. */
static int wait_ready(int socket, char **ret_text)
{
	_cleanup_(message_release) struct message message = { 0 };
	struct report report = { 0 };
	size_t no_fds = 0;
	int r = message_receive(socket, CLIENT_TIMEOUT_MS, &message, NULL, &no_fds);

	if (r == 0)
		r = report_decode(&message, &report);
	if (r < 0)
		say_step(ret_text, "init", "no report", r);
	else if (report.error < 0)
		say_step(ret_text, report.step, report.object, report.error);
	return r < 0 ? r : report.error;
}

/* Removes what is left of a session that ended, or of a login that did. */
static int remove_records(const struct session *session)
{
	char name[RECORD_NAME_MAX + 1];
	int r = 0;

	if (*session->login) {
		(void)snprintf(name, sizeof(name), "%s.%s", session->id, session->login);
		r = record_remove(name);
	}
	if (session->gone_on)
		return r;
	if (session->shared)
		join_listener_remove(session->uid, session->policy_hash, session->id);
	return r < 0 ? r : record_remove(session->id);
}

/* Tells the init of a session that may go on that this login has ended. 0 or -errno; -ESRCH: it has ended itself. */
static int tell_init(struct session *session)
{
	const struct sockaddr_un address = join_address(session->uid, session->policy_hash, session->id);
	_cleanup_(message_release) struct message request = { 0 }, answer = { 0 };
	const char *word = "";
	int r;

	/* its socket is outside: it learns it from the end of this process */
	if (session->clone_flags & CLONE_NEWUSER) {
		session->gone_on = true;
		return 0;
	}
	message_put(&request, PROTOCOL_VERSION);
	message_put(&request, LEAVE_VERB);
	message_put(&request, *session->login ? session->login : session->id);
	r = join_ask(&address, 0, &request, NULL, 0, JOIN_ANSWER_MS, &answer, &word);
	/* the init is ending, or has ended */
	if (r == -ENOENT || r == -ECONNREFUSED || r == -ECONNRESET || r == -EPIPE)
		return -ESRCH;
	/* and if it cannot be told, it learns it from the end of this process */
	session->gone_on = r < 0 || strcmp(word, JOIN_ENDED) != 0;
	return r;
}

/* 0; -ESRCH when the session has ended before; -errno. */
static int end_login(struct session *session)
{
	if (session->shared)
		return tell_init(session);
	return pidfd_send_signal(session->init_pidfd, SIGKILL, NULL, 0) < 0 ? -errno : 0;
}

static void kill_session(const struct session *session)
{
	(void)pidfd_send_signal(session->init_pidfd, SIGKILL, NULL, 0);
	(void)remove_records(session);
}

/*
 * An init that closed the connection without a word need not have ended: it waits for a request only so long, and its
 * caller may have been stopped. Its lock tells: what it holds must stay in sight. Tolerates failure: then it is
 * taken for alive, and a later opening removes what is left.
 */
static bool holds_its_record(const struct session *session)
{
	char path[sizeof(RECORD_DIRECTORY) + 1 + SESSION_ID_LENGTH];
	_cleanup_close_ int fd = -1;
	pid_t init;

	(void)snprintf(path, sizeof(path), RECORD_DIRECTORY "/%s", session->id);
	fd = open(path, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
	return fd < 0 ? errno != ENOENT : record_alive(fd, &init) != 0;
}

/* After end_login(): whether there is a session left that is not ours to remove. */
static void look_again(struct session *session, int ended)
{
	if (session->shared && ended == -ESRCH)
		session->gone_on = holds_its_record(session);
}

/* Takes back a session, or a login of one, that the caller will not use. */
static void take_back(struct session *session)
{
	look_again(session, end_login(session));
	(void)remove_records(session);
}

/* Moves the process. On failure it is back, and the session is gone. */
static int enter(struct session *session, int socket, char **ret_text)
{
	const char *step = "";
	int r = privileges_check(&session->privileges);

	if (r < 0) {
		say_step(ret_text, "drop-capabilities", "CAP_SETPCAP", r);
		take_back(session);
		return r;
	}
	/* one's own user namespace would give back what this process cannot have, over what belongs to it */
	if (session->clone_flags & CLONE_NEWUSER)
		session->privileges.dropped |= bounding_set_lacks();
	r = open_outside(session);
	if (r < 0) {
		say_step(ret_text, "setns", "/proc/self/ns", r);
		take_back(session);
		return r;
	}
	r = go_inside(session->init_pidfd, session->clone_flags);
	if (r < 0)
		say_step(ret_text, "setns", "init", r);
	else if ((r = privileges_drop(&session->privileges, &step)) < 0)
		say_step(ret_text, step, "the login process", r);
	else if (!*session->login && (r = acknowledge(socket)) < 0)
		say_step(ret_text, "setns", "acknowledgement", r);
	if (r < 0) {
		(void)go_outside(session);
		take_back(session);
	}
	return r;
}

static enum outcome open_with_helper(const struct helper *process, const struct session_request *request,
				     const char *helper, struct session **ret_session, char **ret_text)
{
	_cleanup_(message_release) struct message message = { 0 };
	_cleanup_(session_freep) struct session *session = NULL;
	struct session_reply reply = { .outcome = OUTCOME_FAILED, .text = "" };
	int r = helper_ask(process, request, helper, &message, &reply, ret_text);

	if (r < 0)
		return OUTCOME_FAILED;
	if (reply.outcome != OUTCOME_OPENED) {
		*ret_text = *reply.text ? strdup(reply.text) : NULL;
		return reply.outcome;
	}
	session = session_new(request, &reply);
	if (!session) {
		/* a session of others' is not ours to end: it loses this login with our process */
		if (!*reply.login) {
			(void)pidfd_send_signal(reply.init_pidfd, SIGKILL, NULL, 0);
			(void)record_remove(reply.id);
		}
		close_fd(reply.init_pidfd);
		say_step(ret_text, "session", "", -ENOMEM);
		return OUTCOME_FAILED;
	}
	session->init_pidfd = reply.init_pidfd;
	/* whoever joins finds it ready */
	r = *session->login ? 0 : wait_ready(process->socket, ret_text);
	/* nobody else can have come in */
	if (r < 0)
		kill_session(session);
	else
		r = enter(session, process->socket, ret_text);
	if (r < 0) {
		say_policy(ret_text, session->policy);
		/* mode audit refuses nobody; that its record could not be shown is all there is to say */
		return session_is_audit(session) ? OUTCOME_AUDIT : OUTCOME_FAILED;
	}
	*ret_session = TAKE_PTR(session);
	return OUTCOME_OPENED;
}

enum outcome session_enter(const struct session_request *request, const char *helper, struct session **ret_session,
			   char **ret_text)
{
	struct session_request own;
	struct helper process;
	enum outcome outcome;

	*ret_text = NULL;
	if (helper_begin(request, helper, &own, &process, ret_text) < 0)
		return OUTCOME_FAILED;
	outcome = open_with_helper(&process, &own, helper, ret_session, ret_text);
	helper_finish(&own, &process);
	return outcome;
}

/*
 * A dying init waits in the kernel until every process of its PID namespace is
 * reaped, and under sshd one of them is a child that sshd will reap only after
 * we return. So: short steps, and none once such a child is seen.
 */
static void wait_for_end(int init_pidfd)
{
	struct pollfd poller = { .fd = init_pidfd, .events = POLLIN };

	for (int i = 0; i < CLOSE_STEPS; i++) {
		if (poll(&poller, 1, CLOSE_STEP_MS) == 1 || has_zombie_child())
			return;
	}
}

int session_leave(struct session *session)
{
	int r = go_outside(session);
	int ended = end_login(session);
	int removed;

	/* tolerates ESRCH: the init has ended before us */
	if (ended < 0 && ended != -ESRCH && r == 0)
		r = ended;
	if (!session->gone_on)
		wait_for_end(session->init_pidfd);
	look_again(session, ended);
	removed = remove_records(session);
	return r < 0 ? r : removed;
}
