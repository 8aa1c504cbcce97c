/* SPDX-License-Identifier: BSD-3-Clause OR GPL-2.0-or-later */
#include "session/process.h"

#include <fcntl.h>
#include <inttypes.h>
#include <stdbool.h>
#include <string.h>

#define START_TIME_FIELD 22 /* proc_pid_stat(5) */

int process_open(pid_t pid)
{
	char path[sizeof("/proc/") + 3 * sizeof(pid)];

	if (pid <= 0)
		return -ESRCH;
	(void)snprintf(path, sizeof(path), "/proc/%jd", (intmax_t)pid);

	int fd = open(path, O_PATH | O_DIRECTORY | O_CLOEXEC);

	if (fd < 0)
		return errno == ENOENT ? -ESRCH : -errno;
	return fd;
}

/* "mnt:[4026531841]" → 4026531841. */
int process_namespace_at(int process, enum namespace_kind kind, uint64_t *ret)
{
	char path[32] = "ns/";
	char link[64];
	char *end;

	(void)strncat(path, namespace_table[kind].proc_link, sizeof(path) - sizeof("ns/"));

	ssize_t size = readlinkat(process, path, link, sizeof(link) - 1);

	if (size < 0)
		return -errno;
	link[size] = '\0';

	const char *bracket = strchr(link, '[');
	uint64_t inode = bracket ? strtoull(bracket + 1, &end, 10) : 0;

	if (inode == 0 || *end != ']')
		return -EBADMSG;
	*ret = inode;
	return 0;
}

int process_namespaces_at(int process, uint64_t ret[NAMESPACE_KINDS])
{
	uint64_t inodes[NAMESPACE_KINDS] = { 0 };
	bool missing = false;

	for (enum namespace_kind kind = 0; kind < NAMESPACE_KINDS; kind++) {
		int r = process_namespace_at(process, kind, &inodes[kind]);

		/* ENOENT: a kind that this kernel has not, or the process has exited, which is told apart below */
		if (r < 0 && r != -ENOENT)
			return r;
		missing = missing || r < 0;
	}

	/*
	 * An exiting process drops its namespaces: that the one which every kernel has is still
	 * there ends the matter.
	 */
	int r = missing ? process_namespace_at(process, NAMESPACE_MOUNT, &inodes[NAMESPACE_MOUNT]) : 0;

	if (r < 0)
		return r == -ENOENT ? -ESRCH : r;
	memcpy(ret, inodes, sizeof(inodes));
	return 0;
}

int process_namespaces(pid_t pid, uint64_t ret[NAMESPACE_KINDS])
{
	_cleanup_close_ int process = process_open(pid);

	return process < 0 ? process : process_namespaces_at(process, ret);
}

static int read_stat(int process, char *buffer, size_t capacity)
{
	_cleanup_close_ int fd = openat(process, "stat", O_RDONLY | O_CLOEXEC);

	if (fd < 0)
		return errno == ENOENT ? -ESRCH : -errno;

	ssize_t size = read(fd, buffer, capacity - 1);

	if (size < 0)
		return -errno;
	buffer[size] = '\0';
	return 0;
}

int process_start_time(pid_t pid, uint64_t *ret)
{
	_cleanup_close_ int process = process_open(pid);
	char stat[1024];
	uint64_t start;

	if (process < 0)
		return process;

	int r = read_stat(process, stat, sizeof(stat));

	if (r < 0)
		return r;

	/* The command name is the process's own choice and may hold spaces and brackets: count from the last one on. */
	const char *field = strrchr(stat, ')');

	for (int i = 2; field && i < START_TIME_FIELD; i++)
		field = strchr(field + 1, ' ');
	if (!field || sscanf(field, " %" SCNu64, &start) != 1)
		return -EBADMSG;
	*ret = start;
	return 0;
}
