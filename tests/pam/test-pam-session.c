/* SPDX-License-Identifier: BSD-3-Clause OR GPL-2.0-or-later */

/* What a session is, seen from its caller and from inside. */

#include "pam/harness.h"
#include "pam/snapshot.h"

#include "session/process.h"

#include <dirent.h>
#include <fcntl.h>
#include <net/if.h>
#include <sched.h>
#include <signal.h>
#include <sys/mount.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/statfs.h>
#include <sys/ioctl.h>
#include <sys/wait.h>

/* All that needs a mount namespace must be given up with it. */
#define NO_MOUNTS      "mount { isolate = false proc = \"host\" runtime-dir = \"host\" }\n"
#define NEW_NAMESPACES 5 /* mnt, net, ipc, uts, pid */

static void is_in_new_namespaces_and_back_in_the_old_ones_after_close(void)
{
	uint64_t before[NAMESPACE_KINDS], inside[NAMESPACE_KINDS], after[NAMESPACE_KINDS];
	uint64_t children = children_namespace(getpid());
	struct login login;

	read_namespaces(getpid(), before);
	login_in(&login, "alice");
	read_namespaces(getpid(), inside);
	CHECK(inside[NAMESPACE_MOUNT] != before[NAMESPACE_MOUNT]);
	CHECK(inside[NAMESPACE_NETWORK] != before[NAMESPACE_NETWORK]);
	CHECK(inside[NAMESPACE_IPC] != before[NAMESPACE_IPC]);
	CHECK(inside[NAMESPACE_UTS] != before[NAMESPACE_UTS]);
	CHECK(inside[NAMESPACE_USER] == before[NAMESPACE_USER]);
	CHECK(inside[NAMESPACE_CGROUP] == before[NAMESPACE_CGROUP]);
	CHECK(inside[NAMESPACE_TIME] == before[NAMESPACE_TIME]);
	/* the caller itself cannot change its PID namespace, only that of its children */
	CHECK(children_namespace(getpid()) != children);
	login_out(&login);
	read_namespaces(getpid(), after);
	CHECK_INT(memcmp(before, after, sizeof(before)), 0);
	CHECK_INT(children_namespace(getpid()), children);
}

static void leaves_exactly_its_own_descriptors_until_close(void)
{
	struct snapshot before, inside, after;
	struct login login;

	write_stack("test", "session required pam_nsisolate.so\n");
	login_start(&login, "test", "alice");
	snapshot_take(&before);
	CHECK_INT(login_open(&login, 0), PAM_SUCCESS);
	snapshot_take(&inside);
	CHECK_INT(inside.fd_count, before.fd_count + 1 + NEW_NAMESPACES);
	CHECK_INT(snapshot_new_fds(&before, &inside, "anon_inode:[pidfd]"), 1);
	CHECK_INT(snapshot_new_fds(&before, &inside, "mnt:["), 1);
	CHECK_INT(snapshot_new_fds(&before, &inside, "net:["), 1);
	CHECK_INT(snapshot_new_fds(&before, &inside, "ipc:["), 1);
	CHECK_INT(snapshot_new_fds(&before, &inside, "uts:["), 1);
	CHECK_INT(snapshot_new_fds(&before, &inside, "pid:["), 1);
	CHECK_INT(login_close(&login, 0), PAM_SUCCESS);
	snapshot_take(&after);
	CHECK_INT(after.fd_count, before.fd_count);
	login_end(&login, PAM_SUCCESS);
}

static void never_called(int signal)
{
	/* SIGCHLD, for a child that is none of the program's own */
	CHECK_INT(signal, 0);
}

/* A program with something of its own in every place that a guest might touch. */
static void furnish(void)
{
	const struct sigaction own = { .sa_handler = never_called, .sa_flags = SA_RESTART | SA_NOCLDSTOP };
	const struct sigaction ignored = { .sa_handler = SIG_IGN };
	struct rlimit limit;
	sigset_t blocked;

	CHECK_INT(sigaction(SIGCHLD, &own, NULL), 0);
	CHECK_INT(sigaction(SIGPIPE, &ignored, NULL), 0);
	sigemptyset(&blocked);
	sigaddset(&blocked, SIGUSR2);
	CHECK_INT(sigprocmask(SIG_BLOCK, &blocked, NULL), 0);
	(void)umask(027);
	CHECK_INT(setenv("KEPT", "as it is", 1), 0);
	CHECK_INT(chdir(USERS_HOME), 0);
	CHECK_INT(getrlimit(RLIMIT_CORE, &limit), 0);
	limit.rlim_cur = 0;
	CHECK_INT(setrlimit(RLIMIT_CORE, &limit), 0);
}

static void leaves_no_residue(void)
{
	struct snapshot before, inside, after;
	struct login login;

	furnish();
	write_stack("test", "session required pam_nsisolate.so\n");
	login_start(&login, "test", "alice");
	snapshot_take(&before);
	CHECK_INT(login_open(&login, 0), PAM_SUCCESS);
	snapshot_take(&inside);
	snapshot_compare(&before, &inside, 0);
	CHECK_INT(login_close(&login, 0), PAM_SUCCESS);
	snapshot_take(&after);
	snapshot_compare(&before, &after, SNAPSHOT_FDS_TOO | SNAPSHOT_NAMESPACES_TOO);
	login_end(&login, PAM_SUCCESS);
}

static void leaves_no_residue_of_a_refusal(void)
{
	struct snapshot before, after;
	struct login login;

	furnish();
	set_policy("default.conf", "nonsense");
	write_stack("test", "session required pam_nsisolate.so\n");
	login_start(&login, "test", "alice");
	snapshot_take(&before);
	CHECK_INT(login_open(&login, 0), PAM_PERM_DENIED);
	CHECK(!login_id(&login));
	snapshot_take(&after);
	snapshot_compare(&before, &after, SNAPSHOT_FDS_TOO | SNAPSHOT_NAMESPACES_TOO);
	login_end(&login, PAM_PERM_DENIED);
}

static void keeps_the_directory(void)
{
	struct login login;
	char directory[256];

	CHECK_INT(chdir(USERS_HOME), 0);
	login_in(&login, "alice");
	CHECK(getcwd(directory, sizeof(directory)));
	CHECK_INT(strcmp(directory, USERS_HOME), 0);
	login_out(&login);
	CHECK(getcwd(directory, sizeof(directory)));
	CHECK_INT(strcmp(directory, USERS_HOME), 0);
}

static void goes_to_the_root_from_a_directory_that_is_covered(void)
{
	struct login login;
	char directory[256];

	CHECK_INT(mkdir("/tmp/covered", 0700), 0);
	CHECK_INT(chdir("/tmp/covered"), 0);
	login_in(&login, "alice");
	CHECK(getcwd(directory, sizeof(directory)));
	CHECK_INT(strcmp(directory, "/"), 0);
	login_out(&login);
	CHECK(getcwd(directory, sizeof(directory)));
	CHECK_INT(strcmp(directory, "/"), 0);
	CHECK_INT(rmdir("/tmp/covered"), 0);
}

static void see_an_empty_private_place(const char *path, mode_t mode, bool may_be_filled)
{
	struct stat status;
	struct statfs filesystem;
	DIR *directory = opendir(path);
	const struct dirent *entry;

	CHECK(directory);
	CHECK_INT(fstat(dirfd(directory), &status), 0);
	CHECK_INT(status.st_uid, 0);
	CHECK_INT(status.st_mode & 07777, mode);
	CHECK_INT(fstatfs(dirfd(directory), &filesystem), 0);
	CHECK_INT(filesystem.f_type, 0x01021994); /* TMPFS_MAGIC */
	while ((entry = readdir(directory)))
		CHECK(may_be_filled || *entry->d_name == '.');
	(void)closedir(directory);
}

static void look_around(void *argument)
{
	struct ifreq request = { .ifr_name = "lo" };
	struct stat status;
	int fd = socket(AF_INET, SOCK_DGRAM, 0);

	(void)argument;
	see_an_empty_private_place("/run/nsisolate", 01700, false);
	see_an_empty_private_place("/tmp", 01777, false);
	see_an_empty_private_place("/var/tmp", 01777, false);
	see_an_empty_private_place("/dev/shm", 01777, false);
	see_an_empty_private_place("/run/user", 0755, true);
	CHECK_INT(stat("/run/user/3001", &status), 0);
	CHECK_INT(status.st_uid, ALICE);
	CHECK_INT(status.st_mode & 07777, 0700);
	CHECK(fd >= 0);
	CHECK_INT(ioctl(fd, SIOCGIFFLAGS, &request), 0);
	CHECK(request.ifr_flags & IFF_UP);
	CHECK_INT(access("/proc/1/stat", F_OK), 0);
	CHECK_INT(access("/sys/class/net/lo", F_OK), 0);
	CHECK_INT(access("/proc/self/stat", F_OK), 0);
}

static void shows_only_its_own_inside(void)
{
	struct login login;

	write_text("/tmp/of-the-host", "", 0644);
	write_text("/dev/shm/of-the-host", "", 0644);
	login_in(&login, "alice");
	in_child(look_around, NULL);
	login_out(&login);
	CHECK_INT(unlink("/tmp/of-the-host"), 0);
	CHECK_INT(unlink("/dev/shm/of-the-host"), 0);
}

static void mount_something(void *argument)
{
	(void)argument;
	CHECK_INT(mount("tmpfs", "/mnt", "tmpfs", 0, NULL), 0);
	CHECK_INT(umount2("/tmp", MNT_DETACH), 0);
}

/* The mount table of the host is compared by the parent of every case. */
static void mounts_inside_stay_inside(void)
{
	struct login login;

	login_in(&login, "alice");
	in_child(mount_something, NULL);
	login_out(&login);
}

static void record_tells_what_is(void)
{
	struct login login;
	struct record_list list;
	const struct record *record;
	uint64_t inside[NAMESPACE_KINDS], start;
	char id[SESSION_ID_LENGTH + 1];
	pid_t init;

	write_stack("test", "session required pam_nsisolate.so\n");
	login_start(&login, "test", "alice");
	CHECK_INT(pam_set_item(login.pamh, PAM_TTY, "/dev/pts/7"), PAM_SUCCESS);
	CHECK_INT(pam_set_item(login.pamh, PAM_RHOST, "192.0.2.1"), PAM_SUCCESS);
	CHECK_INT(process_start_time(getpid(), &start), 0);
	CHECK_INT(count_records(), 0);
	_cleanup_close_ int outside = open("/proc/self/ns/mnt", O_RDONLY | O_CLOEXEC);
	CHECK_INT(login_open(&login, 0), PAM_SUCCESS);
	read_namespaces(getpid(), inside);
	CHECK(login_id(&login));
	CHECK_INT(strlen(login_id(&login)), SESSION_ID_LENGTH);
	(void)snprintf(id, sizeof(id), "%s", login_id(&login));
	/* as an inspector on the host would */
	CHECK_INT(setns(outside, CLONE_NEWNS), 0);
	CHECK_INT(records_read(RECORD_DIRECTORY, &list), 0);
	CHECK_INT(list.count, 1);
	record = &list.items[0].record;
	CHECK(list.items[0].valid);
	CHECK(list.items[0].alive);
	CHECK_INT(strcmp(list.items[0].name, id), 0);
	CHECK_INT(strcmp(record->id, id), 0);
	CHECK_INT(strcmp(record->user, "alice"), 0);
	CHECK_INT(record->uid, ALICE);
	CHECK_INT(strcmp(record->service, "test"), 0);
	CHECK_INT(strcmp(record->tty, "/dev/pts/7"), 0);
	CHECK_INT(strcmp(record->remote_host, "192.0.2.1"), 0);
	CHECK_INT(record->login_pid, getpid());
	CHECK_INT(record->login_start, start);
	CHECK_INT(record->init_pid, list.items[0].init_pid);
	CHECK_INT(strcmp(record->policy, "default.conf"), 0);
	CHECK_INT(strcmp(record->mode, "enforce"), 0);
	CHECK_INT(record->namespaces[NAMESPACE_MOUNT], inside[NAMESPACE_MOUNT]);
	CHECK_INT(record->namespaces[NAMESPACE_NETWORK], inside[NAMESPACE_NETWORK]);
	CHECK_INT(record->namespaces[NAMESPACE_IPC], inside[NAMESPACE_IPC]);
	CHECK_INT(record->namespaces[NAMESPACE_UTS], inside[NAMESPACE_UTS]);
	CHECK_INT(record->namespaces[NAMESPACE_PID], children_namespace(getpid()));
	CHECK_INT(record->namespaces[NAMESPACE_USER], 0);
	init = list.items[0].init_pid;
	record_list_release(&list);
	login_out(&login);
	CHECK_INT(count_records(), 0);
	CHECK(!process_exists(init));
	CHECK_INT(count_logged("session opened: id="), 1);
	CHECK_INT(count_logged("session closed: id="), 1);
	CHECK(logged(id));
	CHECK(logged("user=alice service=test rhost=192.0.2.1 policy=default.conf"));
}

/* In a child of a session, as su is. */
static void open_a_session_in_a_session(void *argument)
{
	struct login login;
	uint64_t outer = *(uint64_t *)argument;
	struct record_list list;

	CHECK_INT(getuid(), 0);
	login_start(&login, "test", "bob");
	/* the host's /proc is another's here */
	close_fd(host_proc);
	host_proc = open("/proc", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	CHECK(host_proc >= 0);
	CHECK_INT(children_namespace(getpid()), outer);
	_cleanup_close_ int outside = open("/proc/self/ns/mnt", O_RDONLY | O_CLOEXEC);
	CHECK_INT(login_open(&login, 0), PAM_SUCCESS);
	CHECK(children_namespace(getpid()) != outer);
	CHECK_INT(setns(outside, CLONE_NEWNS), 0);
	CHECK_INT(records_read(RECORD_DIRECTORY, &list), 0);
	CHECK_INT(list.count, 1);
	CHECK(list.items[0].valid);
	CHECK(list.items[0].alive);
	CHECK_INT(strcmp(list.items[0].name, login_id(&login)), 0);
	record_list_release(&list);
	login_out(&login);
	CHECK_INT(children_namespace(getpid()), outer);
	CHECK_INT(count_records(), 0);
}

static void nested_session_lies_inside_the_outer_one(void)
{
	struct login login;
	uint64_t outer;

	login_in(&login, "alice");
	outer = children_namespace(getpid());
	in_child(open_a_session_in_a_session, &outer);
	login_out(&login);
	CHECK_INT(count_records(), 0);
}

static void policy_that_isolates_nothing_still_makes_a_session(void)
{
	uint64_t before[NAMESPACE_KINDS], inside[NAMESPACE_KINDS];
	struct login login;

	set_policy("default.conf", "network { mode = \"host\" }\nipc { isolate = false }\nuts { isolate = false }\n"
				   "pid { isolate = false }\n" NO_MOUNTS);
	read_namespaces(getpid(), before);
	login_in(&login, "alice");
	read_namespaces(getpid(), inside);
	CHECK_INT(memcmp(before, inside, sizeof(before)), 0);
	CHECK_INT(count_records(), 1);
	login_out(&login);
	CHECK_INT(count_records(), 0);
}

static void host_network_leaves_the_network_alone(void)
{
	uint64_t before[NAMESPACE_KINDS], inside[NAMESPACE_KINDS];
	struct login login;

	set_policy("default.conf", "network { mode = \"host\" }\n");
	read_namespaces(getpid(), before);
	login_in(&login, "alice");
	read_namespaces(getpid(), inside);
	CHECK_INT(inside[NAMESPACE_NETWORK], before[NAMESPACE_NETWORK]);
	CHECK(inside[NAMESPACE_MOUNT] != before[NAMESPACE_MOUNT]);
	login_out(&login);
}

static void session_without_mounts_keeps_the_directory_and_the_records(void)
{
	uint64_t before[NAMESPACE_KINDS], inside[NAMESPACE_KINDS];
	struct login login;
	char directory[256];

	set_policy("default.conf", "ipc { isolate = false }\npid { isolate = false }\n" NO_MOUNTS);
	read_namespaces(getpid(), before);
	CHECK_INT(chdir(USERS_HOME), 0);
	login_in(&login, "alice");
	read_namespaces(getpid(), inside);
	CHECK_INT(inside[NAMESPACE_MOUNT], before[NAMESPACE_MOUNT]);
	CHECK(inside[NAMESPACE_NETWORK] != before[NAMESPACE_NETWORK]);
	CHECK(getcwd(directory, sizeof(directory)));
	CHECK_INT(strcmp(directory, USERS_HOME), 0);
	CHECK_INT(count_records(), 1);
	login_out(&login);
	CHECK_INT(count_records(), 0);
}

int main(void)
{
	static const struct pam_case cases[] = {
		CASE(is_in_new_namespaces_and_back_in_the_old_ones_after_close),
		CASE(leaves_exactly_its_own_descriptors_until_close),
		CASE(leaves_no_residue),
		CASE(leaves_no_residue_of_a_refusal),
		CASE(keeps_the_directory),
		CASE(goes_to_the_root_from_a_directory_that_is_covered),
		CASE(shows_only_its_own_inside),
		CASE(mounts_inside_stay_inside),
		CASE(record_tells_what_is),
		CASE(nested_session_lies_inside_the_outer_one),
		CASE(policy_that_isolates_nothing_still_makes_a_session),
		CASE(host_network_leaves_the_network_alone),
		CASE(session_without_mounts_keeps_the_directory_and_the_records),
	};

	return run_cases(cases, ELEMENTS(cases));
}
