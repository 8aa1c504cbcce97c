/* SPDX-License-Identifier: BSD-3-Clause OR GPL-2.0-or-later */
#include "tools/members.h"

#include "common/error.h"
#include "session/process.h"
#include "tools/process_info.h"

#include <fcntl.h>
#include <linux/nsfs.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/stat.h>

/* Kinds by which a session without a PID namespace knows its processes. */
static const enum namespace_kind other_kinds[] = { NAMESPACE_MOUNT, NAMESPACE_NETWORK, NAMESPACE_IPC, NAMESPACE_UTS,
						   NAMESPACE_CGROUP };

/* A namespace and whose it is; inode numbers are unique across the kinds, since nsfs has one counter for all. */
struct owner {
	uint64_t inode;
	struct session *session; /* NULL: a PID namespace that is known to be in no session */
};

struct members {
	struct owner *items;
	size_t count;
	bool any_by_other_kinds;
	uint64_t own_pid_namespace;
	DIR *proc;
};

static int add_owner(struct members *owners, uint64_t inode, struct session *session)
{
	size_t at = owners->count;
	struct owner *items = reallocarray(owners->items, owners->count + 1, sizeof(*items));

	if (!items)
		return -ENOMEM;
	owners->items = items;
	while (at > 0 && items[at - 1].inode > inode)
		at--;
	memmove(&items[at + 1], &items[at], (owners->count - at) * sizeof(*items));
	items[at] = (struct owner){ inode, session };
	owners->count++;
	return 0;
}

static int compare_owners(const void *a, const void *b)
{
	uint64_t left = ((const struct owner *)a)->inode;
	uint64_t right = ((const struct owner *)b)->inode;

	return (left > right) - (left < right);
}

static const struct owner *find_owner(const struct members *owners, uint64_t inode)
{
	struct owner key = { .inode = inode };

	if (owners->count == 0)
		return NULL;
	return bsearch(&key, owners->items, owners->count, sizeof(key), compare_owners);
}

/* Whoever is root inside a session may bring a namespace of another's or of the host: it stays theirs. */
static int claim(struct members *owners, const struct sessions *sessions, struct session *session,
		 enum namespace_kind kind)
{
	uint64_t inode = session->namespaces[kind];

	if (inode == sessions->host[kind] || find_owner(owners, inode))
		return 0;
	return add_owner(owners, inode, session);
}

static int add_session(struct members *owners, const struct sessions *sessions, struct session *session)
{
	if (session->apart[NAMESPACE_PID])
		return claim(owners, sessions, session, NAMESPACE_PID);

	for (size_t i = 0; i < ELEMENTS(other_kinds); i++) {
		/* in a network that is others', too, a process says nothing */
		if (!session->apart[other_kinds[i]] ||
		    (other_kinds[i] == NAMESPACE_NETWORK && session_shares_network(session)))
			continue;
		owners->any_by_other_kinds = true;

		int r = claim(owners, sessions, session, other_kinds[i]);

		if (r < 0)
			return r;
	}
	return 0;
}

static int make_owners(const struct sessions *sessions, struct members *owners)
{
	static const bool turns[] = { false, true };

	owners->own_pid_namespace = sessions->host[NAMESPACE_PID];
	for (size_t turn = 0; turn < ELEMENTS(turns); turn++) {
		for (size_t i = 0; i < sessions->count; i++) {
			struct session *session = sessions->items[i];

			if (session->inside != turns[turn] || !session_is_alive(session) || !session->seen)
				continue;

			int r = add_session(owners, sessions, session);

			if (r < 0)
				return r;
		}
	}
	return 0;
}

/* Climbs from a PID namespace to the first that belongs to a session: ioctl_nsfs(2). Ends at the reader's own. */
static int find_ancestor(const struct members *owners, int process, struct session **ret)
{
	_cleanup_close_ int fd = openat(process, "ns/pid", O_RDONLY | O_CLOEXEC);

	*ret = NULL;
	if (fd < 0)
		return -errno;
	for (;;) {
		int parent = ioctl(fd, NS_GET_PARENT);
		struct stat status;

		if (parent < 0) /* EPERM: the reader's own has been passed */
			return 0;
		(void)close_fd(fd);
		fd = parent;
		if (fstat(fd, &status) < 0)
			return -errno;

		const struct owner *owner = find_owner(owners, status.st_ino);

		if (owner) {
			*ret = owner->session;
			return 0;
		}
	}
}

static int owner_by_pid_namespace(struct members *owners, int process, struct session **ret)
{
	uint64_t inode = 0;
	int r = process_namespace_at(process, NAMESPACE_PID, &inode);

	*ret = NULL;
	if (r < 0 || inode == owners->own_pid_namespace)
		return r;

	const struct owner *known = find_owner(owners, inode);

	if (known) {
		*ret = known->session;
		return 0;
	}
	r = find_ancestor(owners, process, ret);
	if (r < 0)
		return r;
	return add_owner(owners, inode, *ret);
}

/* Of several the innermost: what it has not of its own it shares with those around it. */
static void prefer_innermost(const struct members *owners, uint64_t inode, struct session **session)
{
	const struct owner *owner = find_owner(owners, inode);

	if (owner && owner->session && (!*session || owner->session->depth > (*session)->depth))
		*session = owner->session;
}

static int owner_by_kinds_of(const struct members *owners, int process, struct session **ret)
{
	*ret = NULL;
	for (size_t i = 0; i < ELEMENTS(other_kinds); i++) {
		uint64_t inode = 0;
		int r = process_namespace_at(process, other_kinds[i], &inode);

		if (r < 0)
			return r;
		prefer_innermost(owners, inode, ret);
	}
	return 0;
}

static int owner_by_other_kinds(const struct members *owners, int process, struct session **ret)
{
	int r = owner_by_kinds_of(owners, process, ret);

	if (r == -ENOENT) {
		_cleanup_close_ int thread = process_open_live_thread(process);

		r = thread < 0 ? thread : owner_by_kinds_of(owners, thread, ret);
	}
	return r;
}

/*
 * Whether a session that has no PID namespace of its own can have a process whose PID namespace is that of another
 * session, or with NULL of none: only if it is nested in just that.
 */
static bool fits(const struct session *session, const struct session *by_pid_namespace)
{
	while (session && !session->apart[NAMESPACE_PID])
		session = session->outer;
	return session == by_pid_namespace;
}

static int find_session(struct members *owners, int process, struct session **ret)
{
	struct session *other = NULL;
	int r = owner_by_pid_namespace(owners, process, ret);

	if (r == 0 && owners->any_by_other_kinds)
		r = owner_by_other_kinds(owners, process, &other);
	if (r == 0 && other && fits(other, *ret))
		*ret = other;
	return r;
}

bool members_find(const struct members *members, const uint64_t namespaces[NAMESPACE_KINDS], struct session **ret)
{
	const uint64_t inode = namespaces[NAMESPACE_PID];
	const struct owner *owner = find_owner(members, inode);
	struct session *session = owner ? owner->session : NULL, *other = NULL;

	if (inode != members->own_pid_namespace && !owner)
		return false;
	if (inode == members->own_pid_namespace)
		session = NULL;
	for (size_t i = 0; members->any_by_other_kinds && i < ELEMENTS(other_kinds); i++)
		prefer_innermost(members, namespaces[other_kinds[i]], &other);
	*ret = other && fits(other, session) ? other : session;
	return true;
}

static int visit_process(struct members *owners, int proc, const char *name, bool all, member_visitor visit, void *data)
{
	_cleanup_close_ int process = openat(proc, name, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	struct session *session = NULL;

	/* gone meanwhile, or not ours to read: no process of a session that this reader may inspect */
	if (process < 0)
		return errno == EMFILE || errno == ENFILE || errno == ENOMEM ? -errno : 0;

	int r = find_session(owners, process, &session);

	if (r == -ENOMEM || r == -EMFILE || r == -ENFILE)
		return r;
	return r == 0 && (session || all) ? visit(session, process, data) : 0;
}

int members_open(const struct sessions *sessions, struct members **ret)
{
	_cleanup_(members_closep) struct members *members = calloc(1, sizeof(*members));
	int r = members ? make_owners(sessions, members) : -ENOMEM;

	if (r < 0)
		return r;
	members->proc = opendir("/proc");
	if (!members->proc)
		return negative_errno();
	*ret = TAKE_PTR(members);
	return 0;
}

struct members *members_close(struct members *members)
{
	if (members) {
		closedirp(&members->proc);
		free(members->items);
		free(members);
	}
	return NULL;
}

/* The name of the next process, or NULL with errno: 0 at the end. */
static const char *next_process(const struct members *members)
{
	const struct dirent *entry;

	while (errno = 0, (entry = readdir(members->proc)))
		if (entry->d_name[0] >= '0' && entry->d_name[0] <= '9')
			return entry->d_name;
	return NULL;
}

int members_list(const struct members *members, pid_t **ret, size_t *ret_count)
{
	_cleanup_free_ pid_t *pids = NULL;
	size_t count = 0, room = 0;
	const char *name;

	while ((name = next_process(members))) {
		if (count == room) {
			pid_t *wider = reallocarray(pids, room * 2 + 512, sizeof(*pids));

			if (!wider)
				return -ENOMEM;
			pids = wider;
			room = room * 2 + 512;
		}
		pids[count++] = (pid_t)strtol(name, NULL, 10);
	}
	if (errno)
		return negative_errno();
	*ret = TAKE_PTR(pids);
	*ret_count = count;
	return 0;
}

int members_visit_one(struct members *members, pid_t pid, member_visitor visit, void *data)
{
	char name[16];

	(void)snprintf(name, sizeof(name), "%jd", (intmax_t)pid);
	return visit_process(members, dirfd(members->proc), name, true, visit, data);
}

static int visit_processes(const struct sessions *sessions, bool all, member_visitor visit, void *data)
{
	_cleanup_(members_closep) struct members *members = NULL;
	const char *name;
	int r = members_open(sessions, &members);

	if (r < 0 || (members->count == 0 && !all))
		return r;
	while ((name = next_process(members))) {
		r = visit_process(members, dirfd(members->proc), name, all, visit, data);
		if (r < 0)
			return r;
	}
	return -errno;
}

int members_visit(const struct sessions *sessions, member_visitor visit, void *data)
{
	return visit_processes(sessions, false, visit, data);
}

int members_visit_all(const struct sessions *sessions, member_visitor visit, void *data)
{
	return visit_processes(sessions, true, visit, data);
}

void members_add(struct session *session)
{
	for (; session; session = session->outer)
		session->processes++;
}

static int count_member(struct session *session, int process, void *data)
{
	(void)process;
	(void)data;
	members_add(session);
	return 0;
}

int members_count(const struct sessions *sessions)
{
	return members_visit(sessions, count_member, NULL);
}
