/* SPDX-License-Identifier: BSD-3-Clause OR GPL-2.0-or-later */
#include "session/join.h"

#include "common/clock.h"
#include "session/join_protocol.h"
#include "session/plan.h"
#include "session/process.h"
#include "session/record_store.h"
#include "session/session_record.h"
#include "session/user_state.h"

#include <fcntl.h>
#include <linux/nsfs.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/pidfd.h>
#include <sys/socket.h>
#include <sys/stat.h>

/* A session that may be joined, and by what we know it. */
struct target {
	struct record_view view;
	pid_t init;
	int init_pidfd;
};

/* What a session must be to be joined by this login. */
struct wanted {
	const struct session_request *request;
	const struct policy *policy;
	uint64_t outer_pid_namespace, setting;
	int records;
	uint64_t network; /* inode number of the network namespace that it must be in; 0: its own */
	int64_t until;    /* monotonic milliseconds: the end of the search */
};

static void target_release(struct target *target)
{
	record_release(&target->view.record);
	target->init_pidfd = close_fd(target->init_pidfd);
}

static bool is_wanted(const struct wanted *wanted, const struct record_view *view)
{
	const struct record *record = &view->record;

	return view->valid && view->alive && view->init_pid > 0 && *record->login == '\0' &&
	       record->uid == wanted->request->uid && strcmp(record->user, wanted->request->user) == 0 &&
	       record->policy_hash == wanted->policy->hash && strcmp(record->mode, MODE_NAME_ENFORCE) == 0 &&
	       strcmp(record->scope, SCOPE_NAME_USER) == 0 &&
	       record->outer_pid_namespace == wanted->outer_pid_namespace && record->setting == wanted->setting &&
	       (wanted->network == 0 || record->namespaces[NAMESPACE_NETWORK] == wanted->network);
}

/* Who owns a namespace: the inode number of a user namespace, ioctl_nsfs(2). 0 or -errno. */
static int owner_of(const char *path, uint64_t *ret_self, uint64_t *ret_owner)
{
	_cleanup_close_ int fd = open(path, O_RDONLY | O_CLOEXEC);
	_cleanup_close_ int owner = -1;
	struct stat status;

	if (fd < 0 || fstat(fd, &status) < 0)
		return -errno;
	*ret_self = status.st_ino;
	owner = ioctl(fd, NS_GET_USERNS);
	if (owner < 0 || fstat(owner, &status) < 0)
		return -errno;
	*ret_owner = status.st_ino;
	return 0;
}

/* The init is in the namespaces that were recorded, and they belong to our own user namespace, or to that which is
 * recorded: nobody forged them. */
static bool has_its_namespaces(pid_t init, const struct record *record)
{
	const uint64_t own = record->namespaces[NAMESPACE_USER];
	struct stat ours;

	if (stat("/proc/self/ns/user", &ours) < 0)
		return false;
	for (size_t i = 0; i < NAMESPACE_KINDS; i++) {
		char path[64];
		uint64_t self = 0, owner = 0;

		if (!record->namespaces[i])
			continue;
		(void)snprintf(path, sizeof(path), "/proc/%jd/ns/%s", (intmax_t)init, namespace_table[i].proc_link);
		if (owner_of(path, &self, &owner) < 0 || self != record->namespaces[i])
			return false;
		/* one's own user namespace belongs to the one around it, and the others may belong to it */
		if (owner != ours.st_ino && (own == 0 || i == NAMESPACE_USER || owner != own))
			return false;
	}
	return true;
}

/*
 * Pins the init by a pidfd. The lock's holder is the same before and after: a lock is not handed on, so
 * the pid was the init's all the time. 1; 0 when the session is none for us; -errno.
 */
static int find_target(const struct wanted *wanted, const char *id, struct target *ret)
{
	struct record_view again = { 0 };
	int r = record_view_read(wanted->records, id, &ret->view);

	if (r < 0 || !is_wanted(wanted, &ret->view))
		return r == -ENOENT ? 0 : r;
	ret->init = ret->view.init_pid;
	ret->init_pidfd = pidfd_open(ret->init, 0);
	if (ret->init_pidfd < 0)
		return errno == ESRCH ? 0 : -errno;
	r = record_view_read(wanted->records, id, &again);
	if (r == 0)
		r = again.alive && again.init_pid == ret->init && has_its_namespaces(ret->init, &ret->view.record);
	record_release(&again.record);
	return r == -ENOENT ? 0 : r;
}

static void describe(const struct wanted *wanted, const struct record *record, struct session_reply *reply)
{
	memcpy(reply->id, record->id, sizeof(reply->id));
	memcpy(reply->namespaces, record->namespaces, sizeof(reply->namespaces));
	reply->shared = true;
	reply->clone_flags = policy_clone_flags(wanted->policy);
	reply->privileges = policy_privileges(wanted->policy);
	reply->policy = wanted->policy->file;
	reply->policy_hash = wanted->policy->hash;
	reply->notice = wanted->policy->notice;
	reply->mode = MODE_NAME_ENFORCE;
}

static int ask(const struct wanted *wanted, const struct target *target, const char *verb, const char *login,
	       const int *fds, size_t fd_count, int timeout_ms, struct message *ret_answer, const char **ret_word)
{
	const struct sockaddr_un address =
		join_address(wanted->request->uid, wanted->policy->hash, target->view.record.id);
	_cleanup_(message_release) struct message request = { 0 };

	message_put(&request, PROTOCOL_VERSION);
	message_put(&request, verb);
	message_put(&request, login);
	return join_ask(&address, target->init, &request, fds, fd_count, timeout_ms, ret_answer, ret_word);
}

/* 1 when the init has taken the login in; 0 when it has ended, is too busy, or is full; -errno. */
static int ask_in(const struct wanted *wanted, const struct target *target, const char *login, int file)
{
	const int fds[] = { wanted->request->caller_pidfd, file };
	_cleanup_(message_release) struct message answer = { 0 };
	const char *word = "";
	int64_t left = wanted->until - now_ms();
	int r;

	/* enough others did not answer */
	if (left <= 0)
		return 0;
	r = ask(wanted, target, JOIN_VERB, login, fds, ELEMENTS(fds),
		left < JOIN_ANSWER_MS ? (int)left : JOIN_ANSWER_MS, &answer, &word);
	switch (r) {
	case 0:
		return strcmp(word, JOIN_JOINED) == 0;
	case -ENOENT:
	case -ECONNREFUSED:
	case -ECONNRESET:
	case -EPIPE:
	case -EAGAIN:
	case -ETIMEDOUT:
	case -EPERM:
	case -EBADMSG:
		/* none of these can be mended by waiting: the login gets a session of its own */
		return 0;
	default:
		return r;
	}
}

/* Of a login that is refused after all. If that fails, its process ends soon. */
static void ask_out(const struct wanted *wanted, const struct target *target, const char *login)
{
	_cleanup_(message_release) struct message answer = { 0 };
	const char *word;

	(void)!ask(wanted, target, LEAVE_VERB, login, NULL, 0, JOIN_ANSWER_MS, &answer, &word);
}

static int join_target(const struct wanted *wanted, struct target *target, struct session_reply *reply)
{
	char name[RECORD_NAME_MAX + 1];
	_cleanup_close_ int file = record_file_new(wanted->records);
	int r;

	if (file < 0)
		return file;
	describe(wanted, &target->view.record, reply);
	r = random_id(reply->login, LOGIN_ID_LENGTH);
	if (r == 0)
		r = session_record_write(wanted->request, wanted->policy, reply, NULL, target->init, file);
	if (r == 0)
		r = ask_in(wanted, target, reply->login, file);
	if (r <= 0)
		return r;
	(void)snprintf(name, sizeof(name), "%.*s.%.*s", SESSION_ID_LENGTH, reply->id, LOGIN_ID_LENGTH, reply->login);
	r = record_publish(wanted->records, file, name);
	if (r < 0) {
		ask_out(wanted, target, reply->login);
		return r;
	}
	reply->init_pidfd = TAKE_FD(target->init_pidfd);
	return 1;
}

/* "HASH.ID": its id, and the hash; else NULL. */
static const char *id_of(const char *name, uint64_t *ret_hash)
{
	char again[JOIN_NAME_LENGTH + 1];
	const char *id = name + JOIN_NAME_LENGTH - SESSION_ID_LENGTH;

	if (strlen(name) != JOIN_NAME_LENGTH)
		return NULL;
	*ret_hash = strtoull(name, NULL, 16);
	join_name(*ret_hash, id, again);
	return strcmp(name, again) == 0 ? id : NULL;
}

static int try_name(const struct wanted *wanted, const char *name, struct session_reply *ret_reply,
		    const char **ret_object)
{
	struct target target = { .init_pidfd = -1 };
	struct session_reply reply = *ret_reply;
	uint64_t hash;
	const char *id = id_of(name, &hash);
	int r;

	if (!id || hash != wanted->policy->hash)
		return 0;
	*ret_object = "record of the session to join";
	r = find_target(wanted, id, &target);
	if (r > 0) {
		*ret_object = "session to join";
		r = join_target(wanted, &target, &reply);
	}
	target_release(&target);
	if (r > 0)
		*ret_reply = reply;
	return r;
}

static DIR *open_names(const struct join_files *files)
{
	int copy = openat(files->user_directory, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	DIR *directory = copy < 0 ? NULL : fdopendir(copy);

	if (!directory)
		close_fd(copy);
	return directory;
}

static void remove_if_ended(const struct join_files *files, const char *name)
{
	struct record_view view = { 0 };
	uint64_t hash;
	const char *id = id_of(name, &hash);
	int r;

	/* asked after the name was seen and before the record is: what was being made then has its record by now */
	if (!id || !user_gate_is_quiet(files->gate))
		return;
	r = record_view_read(files->records, id, &view);
	if (r == 0 && !view.alive)
		(void)unlinkat(files->records, id, 0);
	if (r == -ENOENT || (r == 0 && !view.alive))
		(void)unlinkat(files->user_directory, name, 0);
	record_release(&view.record);
}

void join_remove_ended(const struct join_files *files)
{
	_cleanup_(closedirp) DIR *directory = open_names(files);
	struct dirent *entry;

	while (directory && (entry = readdir(directory)))
		remove_if_ended(files, entry->d_name);
}

int join_session(const struct session_request *request, const struct policy *policy, const struct join_files *files,
		 struct session_reply *reply, const char **ret_object)
{
	struct wanted wanted = {
		.request = request,
		.policy = policy,
		.records = files->records,
		.network = files->network,
		.until = now_ms() + JOIN_SEARCH_MS,
	};
	_cleanup_(closedirp) DIR *directory = NULL;
	struct dirent *entry;
	int r = outer_pid_namespace(&wanted.outer_pid_namespace);

	*ret_object = "namespaces";
	if (r == 0)
		r = session_setting(request, &wanted.setting);
	if (r < 0)
		return r;
	*ret_object = "directory of the user's sessions";
	directory = open_names(files);
	if (!directory)
		return -errno;
	while (r == 0 && (entry = readdir(directory)))
		r = try_name(&wanted, entry->d_name, reply, ret_object);
	return r;
}

int join_listener_new(uid_t uid, uint64_t hash, const char *id)
{
	const struct sockaddr_un address = join_address(uid, hash, id);
	_cleanup_close_ int fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);

	if (fd < 0 || bind(fd, (const struct sockaddr *)&address, sizeof(address)) < 0)
		return -errno;
	return TAKE_FD(fd);
}
