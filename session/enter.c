/* SPDX-License-Identifier: BSD-3-Clause OR GPL-2.0-or-later */
#include "session/enter.h"

#include "common/error.h"
#include "session/cgroup.h"
#include "session/process.h"
#include "session/protocol.h"
#include "session/syscalls.h"

#include <fcntl.h>
#include <inttypes.h>
#include <linux/nsfs.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/pidfd.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>

#define TEXT_SIZE 512
#define REAP_MS   1000

/* Of the process in between, behind the standard streams. */
enum { CHANNEL_FD = STDERR_FILENO + 1, INIT_FD, PROC_FD, FDS_END };

/* What the process in between says before it ends: nothing else. */
struct message_in_between {
	int error; /* 0 or -errno */
	pid_t pid;
	char text[TEXT_SIZE];
};

struct in_between {
	const struct enter_request *request;
	int flags; /* of setns(2) */
	int channel;
};

static int explain(char **ret_text, const char *step, const char *text, int error)
{
	if (asprintf(ret_text, "step %s: %s", step, text ? text : strerror(-error)) < 0)
		*ret_text = NULL;
	return error;
}

static int open_namespace(int process, enum namespace_kind kind)
{
	char path[32];

	(void)snprintf(path, sizeof(path), "ns/%s", namespace_table[kind].proc_link);
	return openat(process, path, O_RDONLY | O_CLOEXEC);
}

/*
 * Whether a namespace belongs to one of two user namespaces, ioctl_nsfs(2). EPERM: of an owner above ours. 1, 0 or
 * -errno.
 */
static int is_owned_by(int process, enum namespace_kind kind, uint64_t owner, uint64_t other)
{
	_cleanup_close_ int fd = open_namespace(process, kind), found = -1;
	struct stat status;

	if (fd < 0)
		return negative_errno();
	found = ioctl(fd, NS_GET_USERNS);
	if (found < 0)
		return errno == EPERM ? 0 : negative_errno();
	if (fstat(found, &status) < 0)
		return negative_errno();
	return status.st_ino == owner || status.st_ino == other;
}

/* user_namespaces(7): every id is itself, as far as we see. */
static bool is_identity(int process, const char *name)
{
	_cleanup_close_ int fd = openat(process, name, O_RDONLY | O_CLOEXEC);
	char map[64] = "";
	unsigned inside, outside, count;

	return fd >= 0 && read(fd, map, sizeof(map) - 1) > 0 &&
	       sscanf(map, "%u %u %u", &inside, &outside, &count) == 3 && inside == 0 && outside == 0 &&
	       count == UINT32_MAX;
}

/* True for the user namespace that root made for the session: nobody has its capabilities but who is root, or in it. */
static bool is_sessions_own(int process, const struct enter_request *request, uint64_t own)
{
	_cleanup_close_ int fd = open_namespace(process, NAMESPACE_USER);
	uid_t maker = (uid_t)-1;

	return fd >= 0 && request->namespaces[NAMESPACE_USER] == request->user_namespace &&
	       ioctl(fd, NS_GET_OWNER_UID, &maker) == 0 && maker == 0 && is_identity(process, "uid_map") &&
	       is_identity(process, "gid_map") && is_owned_by(process, NAMESPACE_USER, own, own) > 0;
}

/*
 * The kinds in which the init is elsewhere than we. What a user made in a user namespace of his own is not entered: he
 * is root there. 0 or -errno.
 */
static int find_flags(const struct enter_request *request, int *ret, char **ret_text)
{
	_cleanup_close_ int process = process_open(request->init);
	uint64_t own[NAMESPACE_KINDS];
	int r = process < 0 ? process : process_namespaces(getpid(), own);
	int flags = 0;

	if (r < 0)
		return explain(ret_text, "namespaces", NULL, r);
	if (request->namespaces[NAMESPACE_USER] != own[NAMESPACE_USER] &&
	    !is_sessions_own(process, request, own[NAMESPACE_USER]))
		return explain(ret_text, "namespaces", "it is in a user namespace of its own", -EXDEV);
	for (enum namespace_kind kind = 0; kind < NAMESPACE_KINDS; kind++) {
		if (request->namespaces[kind] == own[kind])
			continue;
		r = is_owned_by(process, kind, own[NAMESPACE_USER], request->namespaces[NAMESPACE_USER]);
		if (r < 0)
			return explain(ret_text, "namespaces", NULL, r);
		if (r == 0)
			return explain(ret_text, "namespaces",
				       "one of them is of a user namespace that is not the session's", -EXDEV);
		flags |= namespace_table[kind].clone_flag;
	}
	*ret = flags;
	return 0;
}

/* In the process in between */

static _Noreturn void give_up(const char *step, const char *text, int error)
{
	struct message_in_between message = { .error = error };

	(void)snprintf(message.text, sizeof(message.text), "step %s: %s", step, text ? text : strerror(-error));
	(void)send(CHANNEL_FD, &message, sizeof(message), MSG_NOSIGNAL);
	_exit(1);
}

/* By way of numbers that none of them has, so that none is overwritten before it is moved. */
static int set_up_descriptors(const struct in_between *in_between)
{
	const struct enter_request *request = in_between->request;
	int proc = open("/proc", O_PATH | O_DIRECTORY | O_CLOEXEC);
	const int from[FDS_END] = { request->streams[0], request->streams[1], request->streams[2],
				    in_between->channel, request->init_pidfd, proc };
	int above[FDS_END];

	for (int i = 0; i < FDS_END; i++) {
		above[i] = fcntl(from[i], F_DUPFD_CLOEXEC, FDS_END);
		if (above[i] < 0)
			return negative_errno();
	}
	for (int i = 0; i < FDS_END; i++)
		if (dup3(above[i], i, i > STDERR_FILENO ? O_CLOEXEC : 0) < 0)
			return negative_errno();
	return close_range(FDS_END, ~0U, 0) < 0 ? negative_errno() : 0;
}

/*
 * A control group that is out of memory is to hit it as it hits the session. Tolerates EACCES,
 * proc_pid_oom_score_adj(5): without CAP_SYS_RESOURCE it is hit rather than others.
 */
static int set_oom_score(int score)
{
	_cleanup_close_ int fd = open("/proc/self/oom_score_adj", O_WRONLY | O_CLOEXEC);

	if (fd < 0 || (dprintf(fd, "%d", score) < 0 && errno != EACCES))
		return negative_errno();
	return 0;
}

/*
 * That we, and our child to come, are where the init was seen: root inside can trace it and move it. By the host's
 * proc: the one inside is theirs.
 */
static int check_namespaces(const uint64_t wanted[NAMESPACE_KINDS])
{
	for (size_t i = 0; i < NAMESPACE_KINDS; i++) {
		char path[48], link[64];
		uint64_t inode = 0;
		ssize_t size;

		if (wanted[i] == 0)
			continue;
		(void)snprintf(path, sizeof(path), "self/ns/%s", namespace_table[i].children_link);
		size = readlinkat(PROC_FD, path, link, sizeof(link) - 1);
		if (size < 0)
			return negative_errno();
		link[size] = '\0';

		const char *bracket = strchr(link, '[');

		if (!bracket || sscanf(bracket, "[%" SCNu64 "]", &inode) != 1 || inode != wanted[i])
			return -EXDEV;
	}
	return 0;
}

/* Where it waits it is still root's, and has no descriptor of the host's but the channel. */
static _Noreturn void become_child(const struct enter_request *request)
{
	char word;

	if (recv(CHANNEL_FD, &word, 1, 0) == 1)
		request->become(request->data, CHANNEL_FD);
	_exit(1);
}

static _Noreturn void go_in(const struct in_between *in_between)
{
	const struct enter_request *request = in_between->request;
	struct clone_args args = { .flags = CLONE_PARENT };
	struct message_in_between message = { 0 };
	const char *step = "";
	char *text = NULL;
	int r;

	/* a copy of the caller's memory, which nobody inside is to look at: inherited by fork, lost by execve */
	if (prctl(PR_SET_DUMPABLE, 0, 0, 0, 0) < 0 || prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0) < 0)
		_exit(1);
	r = set_up_descriptors(in_between);
	if (r < 0)
		give_up("descriptors", NULL, r);
	r = set_oom_score(request->confinement->oom_score);
	if (r < 0)
		give_up("oom_score_adj", NULL, r);
	r = cgroups_join(request->confinement->cgroups, &text);
	if (r < 0)
		give_up("control group", text, r);
	/* ESRCH: the init has ended */
	if (setns(INIT_FD, in_between->flags) < 0)
		give_up("setns", errno == ESRCH ? "the session has ended" : NULL, negative_errno());
	r = check_namespaces(request->namespaces);
	if (r < 0)
		give_up("setns", r == -EXDEV ? "its init is in other namespaces now" : NULL, r);
	if (close_range(INIT_FD, ~0U, 0) < 0 || chdir("/") < 0)
		give_up("descriptors", NULL, negative_errno());
	/* inherited, so that the child is never without */
	r = confinement_apply(request->confinement, &step);
	if (r < 0)
		give_up(step, NULL, r);
	message.pid = sys_clone3(&args);
	if (message.pid == 0)
		become_child(request);
	/* EAGAIN: a limit on processes, of the control group's perhaps; ENOMEM: also a PID namespace whose init has
	 * ended */
	if (message.pid < 0)
		give_up("clone3", NULL, negative_errno());
	(void)send(CHANNEL_FD, &message, sizeof(message), MSG_NOSIGNAL);
	_exit(0);
}

/* In the caller */

/* It has said its last word. One that is frozen right then does not end before it is thawed: it stays our zombie to be.
 */
static void reap_in_between(pid_t pid)
{
	_cleanup_close_ int pidfd = pidfd_open(pid, 0);
	struct pollfd poller = { .fd = pidfd, .events = POLLIN };

	if (poll_until(&poller, 1, REAP_MS) > 0)
		(void)waitpid(pid, NULL, WNOHANG);
}

static int hear(int channel, struct message_in_between *ret, char **ret_text)
{
	struct pollfd poller = { .fd = channel, .events = POLLIN };

	if (poll_until(&poller, 1, ENTER_MS) == 0)
		return explain(ret_text, "control group", "no answer for 10 s: frozen, or out of processor time?",
			       -ETIMEDOUT);
	if (recv(channel, ret, sizeof(*ret), 0) != (ssize_t)sizeof(*ret))
		return explain(ret_text, "control group", "killed on the way in: out of memory?", -ECHILD);
	ret->text[TEXT_SIZE - 1] = '\0';
	if (ret->error < 0)
		*ret_text = strdup(ret->text);
	return ret->error;
}

int enter_start(const struct enter_request *request, struct entered *ret, char **ret_text)
{
	_cleanup_close_ int ours = -1, theirs = -1;
	struct in_between in_between = { .request = request };
	struct message_in_between message = { 0 };
	int pair[2];
	pid_t pid;
	int r;

	*ret_text = NULL;
	r = find_flags(request, &in_between.flags, ret_text);
	if (r < 0)
		return r;
	if (in_between.flags == 0)
		return explain(ret_text, "namespaces", "it has none of its own", -EINVAL);
	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair) < 0)
		return explain(ret_text, "channel", NULL, negative_errno());
	ours = pair[0];
	theirs = in_between.channel = pair[1];
	pid = fork();
	if (pid == 0)
		go_in(&in_between);
	if (pid < 0)
		return explain(ret_text, "fork", NULL, negative_errno());
	/* now the channel ends with them */
	theirs = close_fd(theirs);
	r = hear(ours, &message, ret_text);
	if (r < 0)
		(void)kill(pid, SIGKILL);
	reap_in_between(pid);
	if (r < 0)
		return r;
	*ret = (struct entered){ .pid = message.pid, .channel = TAKE_FD(ours) };
	return 0;
}

int enter_go(const struct entered *entered)
{
	return send(entered->channel, "", 1, MSG_NOSIGNAL) == 1 ? 0 : negative_errno();
}

void entered_release(struct entered *entered)
{
	entered->channel = close_fd(entered->channel);
}
