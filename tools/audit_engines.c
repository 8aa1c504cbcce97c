/* SPDX-License-Identifier: BSD-3-Clause OR GPL-2.0-or-later */

/* Sockets of container engines that a session leads to. */

#include "common/error.h"
#include "common/wait_child.h"
#include "config/engines.h"
#include "session/syscalls.h"
#include "tools/audit.h"
#include "tools/seen.h"

#include <fcntl.h>
#include <grp.h>
#include <stdint.h>
#include <string.h>
#include <sys/fsuid.h>
#include <sys/stat.h>

/*
 * The file system's user and group are those of the user, and with another user than root go the capabilities that
 * pass over modes, capabilities(7). All other ids stay root's: the user can neither end this process nor trace it.
 */
static bool act_as(const struct identity *identity, const struct group_list *groups)
{
	if (setgroups(groups->count, groups->gids) < 0)
		return false;
	(void)setfsgid(identity->gid);
	(void)setfsuid(identity->uid);
	return (gid_t)setfsgid((gid_t)-1) == identity->gid && (uid_t)setfsuid((uid_t)-1) == identity->uid;
}

/* An O_PATH descriptor of the socket at the path, as the session sees its file system, or negative. */
static int open_socket(int root, const char *path)
{
	const struct open_how how = { .flags = O_PATH | O_CLOEXEC, .resolve = RESOLVE_IN_ROOT | RESOLVE_NO_MAGICLINKS };
	_cleanup_close_ int fd = sys_openat2(root, path, &how);
	struct stat status;

	return fd >= 0 && fstat(fd, &status) == 0 && S_ISSOCK(status.st_mode) ? TAKE_FD(fd) : -1;
}

void audit_engine_is_absent(struct look *look, const char *hidden)
{
	for (size_t i = 0; i < ELEMENTS(engines); i++)
		if (strcmp(engines[i].hidden, hidden) == 0)
			look->engines_absent |= 1u << i;
}

/* On most hosts there is none, and nobody has to be asked for. */
static bool has_engine(int root, uint32_t absent)
{
	for (size_t i = 0; i < ELEMENTS(engines); i++) {
		_cleanup_close_ int fd = absent & 1u << i ? -1 : open_socket(root, engines[i].socket);

		if (fd >= 0)
			return true;
	}
	return false;
}

/* unix(7): to connect is to write; the kernel itself judges modes and access control lists, all the way there. */
static bool may_connect(int root, const char *path)
{
	_cleanup_close_ int fd = open_socket(root, path);

	return fd >= 0 && faccessat(fd, "", W_OK, AT_EMPTY_PATH | AT_EACCESS) == 0;
}

/* One bit an engine; written whole, or not at all when it cannot be said. */
static void tell_reachable(int root, const struct identity *identity, const struct group_list *groups, int answer)
{
	uint32_t reachable = 0;

	if (!act_as(identity, groups))
		_exit(1);
	for (size_t i = 0; i < ELEMENTS(engines); i++)
		reachable |= may_connect(root, engines[i].socket) ? 1u << i : 0;
	_exit(write(answer, &reachable, sizeof(reachable)) == sizeof(reachable) ? 0 : 1);
}

/* As the session sees its file system, by the user's ids, which a child takes on. 0 or -errno. */
static int find_reachable(int root, const struct identity *identity, const struct group_list *groups, uint32_t *ret)
{
	_cleanup_close_ int ours = -1, theirs = -1;
	uint32_t reachable;
	int pair[2];
	ssize_t size;
	pid_t pid;

	if (pipe2(pair, O_CLOEXEC) < 0)
		return negative_errno();
	ours = pair[0];
	theirs = pair[1];
	pid = fork();
	if (pid < 0)
		return negative_errno();
	if (pid == 0)
		tell_reachable(root, identity, groups, theirs);
	theirs = close_fd(theirs);
	size = read(ours, &reachable, sizeof(reachable));
	(void)wait_child(pid, 0, NULL);
	if (size != sizeof(reachable))
		return -EIO;
	*ret = reachable;
	return 0;
}

static int report(struct look *look, const struct identity *identity, const char *path)
{
	_cleanup_free_ char *text = NULL;
	struct subject subject = { .user = identity->name };

	if (asprintf(&text, "%s:%s", identity->name, path) < 0) {
		text = NULL;
		return -ENOMEM;
	}
	subject.text = text;
	return findings_add(&look->findings, FINDING_ENGINE, &subject, "%s may connect to %s", identity->name, path);
}

/* The session may end at any moment: what cannot be read is no finding. */
static int judge_engines(struct look *look, int root, const struct identity *identity)
{
	struct group_list groups = { 0 };
	uint32_t reachable = 0;
	int r = group_list_of(identity, &groups);

	if (r == 0)
		r = find_reachable(root, identity, &groups, &reachable);
	group_list_release(&groups);
	if (r < 0)
		return r == -ENOMEM || r == -EMFILE || r == -ENFILE ? r : 0;
	for (size_t i = 0; r == 0 && i < ELEMENTS(engines); i++)
		if (reachable & 1u << i)
			r = report(look, identity, engines[i].socket);
	return r;
}

static int judge_session(struct look *look, const struct session *session)
{
	const bool none = look->engines_absent == (1u << ENGINES) - 1;
	_cleanup_close_ int root = none ? -1 : seen_root(session->view.init_pid);
	struct identity identity = { 0 };
	int r;

	if (root < 0 || !has_engine(root, look->engines_absent) ||
	    identity_lookup(session->view.record.user, &identity) < 0)
		return 0;
	r = judge_engines(look, root, &identity);
	identity_release(&identity);
	return r;
}

int audit_engine_of(struct look *look, const struct session *session)
{
	return session_is_alive(session) && session->seen && session->view.valid &&
			       strcmp(session->view.record.mode, "enforce") == 0
		       ? judge_session(look, session)
		       : 0;
}
