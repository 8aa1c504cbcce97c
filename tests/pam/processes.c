/* SPDX-License-Identifier: BSD-3-Clause OR GPL-2.0-or-later */
#include "pam/processes.h"

#include "common/clock.h"
#include "common/read_whole.h"
#include "pam/check.h"

#include <fcntl.h>
#include <poll.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>

#define EVENTUALLY_MS 30000
#define PROC_FILE_MAX (64 * 1024) /* what is read of one */

int host_proc = -1;

void read_namespaces(pid_t pid, uint64_t ret[NAMESPACE_KINDS])
{
	for (size_t i = 0; i < NAMESPACE_KINDS; i++) {
		char path[64];
		struct stat status = { 0 };

		(void)snprintf(path, sizeof(path), "%d/ns/%s", (int)pid, namespace_table[i].proc_link);
		CHECK_INT(fstatat(host_proc, path, &status, 0), 0);
		ret[i] = status.st_ino;
	}
}

uint64_t children_namespace(pid_t pid)
{
	char path[64];
	struct stat status = { 0 };

	(void)snprintf(path, sizeof(path), "%d/ns/pid_for_children", (int)pid);
	return fstatat(host_proc, path, &status, 0) < 0 ? 0 : status.st_ino;
}

char *read_proc(pid_t pid, const char *name)
{
	_cleanup_close_ int fd = -1;
	char *text = NULL;
	char path[64];
	size_t size;

	(void)snprintf(path, sizeof(path), "%d/%s", (int)pid, name);
	fd = openat(host_proc, path, O_RDONLY | O_CLOEXEC);
	return fd >= 0 && read_head(fd, PROC_FILE_MAX, &text, &size) == 0 ? text : NULL;
}

bool process_exists(pid_t pid)
{
	_cleanup_free_ char *stat = read_proc(pid, "stat");
	const char *end = stat ? strrchr(stat, ')') : NULL;

	return end && end[2] != 'Z' && end[2] != 'X';
}

/* The process called so whose PID namespace is this one (0: any). */
static pid_t find_process(const char *command, uint64_t namespace)
{
	DIR *directory = fdopendir(openat(host_proc, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC));
	const struct dirent *entry;
	pid_t found = 0;

	CHECK(directory);
	while (found == 0 && (entry = readdir(directory))) {
		pid_t pid = atoi(entry->d_name);
		_cleanup_free_ char *comm = pid > 0 ? read_proc(pid, "comm") : NULL;

		if (comm && strcmp(comm, command) == 0 && process_exists(pid) &&
		    (namespace == 0 || children_namespace(pid) == namespace))
			found = pid;
	}
	(void)closedir(directory);
	return found;
}

pid_t find_init(void)
{
	return find_process("nsisolate-init\n", children_namespace(getpid()));
}

pid_t find_any_init(void)
{
	return find_process("nsisolate-init\n", 0);
}

bool has_children(void)
{
	siginfo_t info;

	return waitid(P_ALL, 0, &info, WEXITED | WNOHANG | WNOWAIT | __WALL) == 0;
}

pid_t start_child(void (*function)(void *argument), void *argument)
{
	pid_t child;

	fflush(NULL);
	child = fork();
	CHECK(child >= 0);
	if (child == 0) {
		function(argument);
		_exit(0);
	}
	return child;
}

void end_well(pid_t child)
{
	int status = -1;
	pid_t ended;

	while ((ended = waitpid(child, &status, 0)) < 0 && errno == EINTR)
		;
	CHECK_INT(ended, child);
	CHECK_INT(status, 0);
}

void in_child(void (*function)(void *argument), void *argument)
{
	end_well(start_child(function, argument));
}

bool eventually(bool (*condition)(void *argument), void *argument)
{
	int64_t deadline = now_ms() + EVENTUALLY_MS;

	while (!condition(argument)) {
		if (now_ms() > deadline)
			return false;
		(void)poll(NULL, 0, 2);
	}
	return true;
}
