/* SPDX-License-Identifier: BSD-3-Clause OR GPL-2.0-or-later */

/* The session's init: what it holds, and that nobody inside or of the user's can touch it. */

#include "pam/harness.h"
#include "session/record.h"

#include <dirent.h>
#include <fcntl.h>
#include <linux/capability.h>
#include <signal.h>
#include <sys/ptrace.h>
#include <sys/syscall.h>
#include <sys/wait.h>

static int open_of(pid_t pid, const char *name)
{
	char path[64];

	(void)snprintf(path, sizeof(path), "%d/%s", (int)pid, name);
	return openat(host_proc, path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
}

/* Before anybody is in. */
static bool has_sealed(void *pid)
{
	_cleanup_free_ char *status = read_proc(*(pid_t *)pid, "status");

	return status && strstr(status, "CapPrm:\t0000000000000000") && strstr(status, "NoNewPrivs:\t1");
}

/*
 * The login process, the record, the place among the sessions of the user. Its memory is sealed, and our socket closed,
 * once it has our acknowledgement, which we do not wait for.
 */
#define DESCRIPTORS 3

static bool has_few_descriptors(void *pid)
{
	DIR *directory = fdopendir(open_of(*(pid_t *)pid, "fd"));
	const struct dirent *entry;
	size_t count = 0;

	CHECK(directory);
	while ((entry = readdir(directory)))
		count += *entry->d_name != '.';
	(void)closedir(directory);
	return count == DESCRIPTORS;
}

static pid_t login_in_sealed(struct login *login)
{
	pid_t init;

	login_in(login, "alice");
	init = find_init();
	CHECK(init > 0);
	CHECK(has_sealed(&init));
	CHECK(eventually(has_few_descriptors, &init));
	return init;
}

static void holds_the_callers_pidfd_its_record_and_its_place_alone(void)
{
	struct login login;
	pid_t init = login_in_sealed(&login);
	DIR *directory = fdopendir(open_of(init, "fd"));
	const struct dirent *entry;
	unsigned pidfds = 0, records = 0, places = 0;

	CHECK(directory);
	while ((entry = readdir(directory))) {
		char target[256] = "";

		if (*entry->d_name == '.')
			continue;
		CHECK(readlinkat(dirfd(directory), entry->d_name, target, sizeof(target) - 1) > 0);
		pidfds += strcmp(target, "anon_inode:[pidfd]") == 0;
		records += strncmp(target, RECORD_DIRECTORY "/", strlen(RECORD_DIRECTORY "/")) == 0;
		places += strstr(target, "/users/3001/places") != NULL;
	}
	(void)closedir(directory);
	CHECK_INT(pidfds, 1);
	CHECK_INT(places, 1);
	CHECK_INT(records, 1);
	login_out(&login);
}

static void has_no_power(void)
{
	static const char *const lines[] = {
		"CapInh:\t0000000000000000",
		"CapPrm:\t0000000000000000",
		"CapEff:\t0000000000000000",
		"CapAmb:\t0000000000000000",
		"NoNewPrivs:\t1",
		"Uid:\t0\t0\t0\t0",
		"Gid:\t0\t0\t0\t0",
	};
	struct login login;
	pid_t init = login_in_sealed(&login);
	_cleanup_free_ char *status = read_proc(init, "status");
	_cleanup_free_ char *environment = read_proc(init, "environ");

	CHECK(status);
	for (size_t i = 0; i < ELEMENTS(lines); i++)
		CHECK(strstr(status, lines[i]));
	CHECK(environment);
	CHECK_INT(strlen(environment), 0);
	login_out(&login);
}

static void drop_capabilities(void)
{
	struct __user_cap_header_struct header = { .version = _LINUX_CAPABILITY_VERSION_3 };
	struct __user_cap_data_struct none[_LINUX_CAPABILITY_U32S_3] = { 0 };

	CHECK_INT(syscall(SYS_capset, &header, none), 0);
}

/* The same user id, but no capability: only "dumpable" decides, ptrace(2). */
static void attack_as_powerless_root(void *argument)
{
	static const char *const links[] = { "ns/mnt", "ns/pid", "exe", "cwd", "root", "fd/3" };
	pid_t init = *(pid_t *)argument;
	char path[64], target[64];

	drop_capabilities();
	for (size_t i = 0; i < ELEMENTS(links); i++) {
		(void)snprintf(path, sizeof(path), "%d/%s", (int)init, links[i]);
		CHECK(readlinkat(host_proc, path, target, sizeof(target)) < 0);
	}
	(void)snprintf(path, sizeof(path), "%d/environ", (int)init);
	CHECK(openat(host_proc, path, O_RDONLY) < 0);
	(void)snprintf(path, sizeof(path), "%d/mem", (int)init);
	CHECK(openat(host_proc, path, O_RDONLY) < 0);
	/* from here its number is 1 */
	CHECK(ptrace(PTRACE_SEIZE, 1, NULL, NULL) < 0 && errno == EPERM);
}

static void cannot_be_looked_into_without_power(void)
{
	struct login login;
	pid_t init = login_in_sealed(&login);

	in_child(attack_as_powerless_root, &init);
	login_out(&login);
}

static void attack_as_user(pid_t init)
{
	static const int signals[] = { SIGKILL, SIGSTOP, SIGTERM, SIGINT, SIGHUP, SIGCONT };

	CHECK_INT(setresgid(ALICE, ALICE, ALICE), 0);
	CHECK_INT(setresuid(ALICE, ALICE, ALICE), 0);
	for (size_t i = 0; i < ELEMENTS(signals); i++)
		CHECK(kill(init, signals[i]) < 0 && errno == EPERM);
	CHECK(ptrace(PTRACE_SEIZE, init, NULL, NULL) < 0 && errno == EPERM);
}

static void attack_from_inside(void *argument)
{
	char target[64];

	(void)argument;
	attack_as_user(1);
	CHECK(readlink("/proc/1/ns/mnt", target, sizeof(target)) < 0);
	CHECK(open("/proc/1/fd", O_RDONLY) < 0);
	CHECK(open("/proc/1/environ", O_RDONLY) < 0);
}

static void attack_from_outside(void *argument)
{
	attack_as_user(*(pid_t *)argument);
}

static void attack_as_root_from_inside(void *argument)
{
	(void)argument;
	/* pid_namespaces(7): only signals with a handler reach an init from its own namespace, and it has none */
	CHECK_INT(kill(1, SIGKILL), 0);
	CHECK_INT(kill(1, SIGSTOP), 0);
	CHECK_INT(kill(1, SIGTERM), 0);
	CHECK_INT(kill(-1, SIGTERM), -1);
}

struct attackers {
	int start[2];
	pid_t init;
};

static bool is_waiting(void *argument)
{
	_cleanup_free_ char *stat = read_proc(*(pid_t *)argument, "stat");
	const char *end = stat ? strrchr(stat, ')') : NULL;

	return end && end[2] == 'S';
}

static void attack_when_told(void *argument)
{
	struct attackers *attackers = argument;

	close_fd(attackers->start[1]);
	/* the init's number comes through the pipe: this process was there first */
	CHECK_INT(read(attackers->start[0], &attackers->init, sizeof(pid_t)), (ssize_t)sizeof(pid_t));
	attack_from_outside(&attackers->init);
}

static void cannot_be_signalled_or_traced_by_the_user(void)
{
	struct attackers attackers;
	struct login login;
	pid_t init, outside;

	CHECK_INT(pipe2(attackers.start, O_CLOEXEC), 0);
	outside = start_child(attack_when_told, &attackers);
	init = login_in_sealed(&login);
	CHECK_INT(write(attackers.start[1], &init, sizeof(init)), (ssize_t)sizeof(init));
	end_well(outside);
	in_child(attack_from_inside, NULL);
	in_child(attack_as_root_from_inside, NULL);
	CHECK(eventually(is_waiting, &init));
	login_out(&login);
}

static void leave_orphans(void *argument)
{
	(void)argument;
	for (int i = 0; i < 20; i++) {
		pid_t child = fork();

		CHECK(child >= 0);
		if (child == 0)
			_exit(fork() < 0);
		CHECK_INT(waitpid(child, NULL, 0), child);
	}
}

/* Processes, ended ones too, in the init's PID namespace: by its children list where the kernel has it. */
static bool init_is_alone(void *argument)
{
	DIR *directory = fdopendir(openat(host_proc, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC));
	const struct dirent *entry;
	bool alone = true;

	CHECK(directory);
	while (alone && (entry = readdir(directory))) {
		pid_t pid = atoi(entry->d_name), parent = 0;
		_cleanup_free_ char *stat = pid > 0 ? read_proc(pid, "stat") : NULL;
		const char *end = stat ? strrchr(stat, ')') : NULL;

		if (end && sscanf(end + 3, " %d", &parent) == 1)
			alone = parent != *(pid_t *)argument;
	}
	(void)closedir(directory);
	return alone;
}

static void reaps_orphans(void)
{
	struct login login;
	pid_t init = login_in_sealed(&login);

	in_child(leave_orphans, NULL);
	CHECK(eventually(init_is_alone, &init));
	CHECK(process_exists(init));
	login_out(&login);
}

static void has_the_root_as_its_directory(void)
{
	struct login login;
	char path[64], target[256] = "";
	pid_t init;

	CHECK_INT(chdir(USERS_HOME), 0);
	init = login_in_sealed(&login);
	(void)snprintf(path, sizeof(path), "%d/cwd", (int)init);
	CHECK(readlinkat(host_proc, path, target, sizeof(target) - 1) > 0);
	CHECK_INT(strcmp(target, "/"), 0);
	login_out(&login);
}

int main(void)
{
	static const struct pam_case cases[] = {
		CASE(holds_the_callers_pidfd_its_record_and_its_place_alone),
		CASE(has_no_power),
		CASE(cannot_be_looked_into_without_power),
		CASE(cannot_be_signalled_or_traced_by_the_user),
		CASE(reaps_orphans),
		CASE(has_the_root_as_its_directory),
	};

	return run_cases(cases, ELEMENTS(cases));
}
