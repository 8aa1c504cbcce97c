/* SPDX-License-Identifier: BSD-3-Clause OR GPL-2.0-or-later */
#include "session/process.h"

#include <fcntl.h>
#include <inttypes.h>
#include <stdbool.h>
#include <string.h>

#define START_TIME_FIELD 22 /* proc_pid_stat(5) */

/* `below`: "", or a name in the directory behind a slash. */
static int open_path(pid_t pid, const char *below, int flags)
{
	char path[64];

	if (pid <= 0)
		return -ESRCH;
	(void)snprintf(path, sizeof(path), "/proc/%jd%s", (intmax_t)pid, below);

	int fd = open(path, flags | O_CLOEXEC);

	if (fd < 0)
		return errno == ENOENT ? -ESRCH : -errno;
	return fd;
}

int process_open(pid_t pid)
{
	return open_path(pid, "", O_PATH | O_DIRECTORY);
}

const char *process_status_value(const char *status, const char *key)
{
	const char *at = strstr(status, key);

	return at ? at + strlen(key) : NULL;
}

/* "mnt:[4026531841]" → 4026531841. */
static int read_link(int directory, const char *path, uint64_t *ret)
{
	char link[64];
	char *end;
	ssize_t size = readlinkat(directory, path, link, sizeof(link) - 1);

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

int process_namespace_in(int directory, enum namespace_kind kind, uint64_t *ret)
{
	return read_link(directory, namespace_table[kind].proc_link, ret);
}

int process_namespace_at(int process, enum namespace_kind kind, uint64_t *ret)
{
	char path[32] = "ns/";

	(void)strncat(path, namespace_table[kind].proc_link, sizeof(path) - sizeof("ns/"));
	return read_link(process, path, ret);
}

int process_namespace(pid_t pid, enum namespace_kind kind, uint64_t *ret)
{
	char path[64];

	if (pid <= 0)
		return -ESRCH;
	(void)snprintf(path, sizeof(path), "/proc/%jd/ns/%s", (intmax_t)pid, namespace_table[kind].proc_link);
	return read_link(AT_FDCWD, path, ret);
}

/* `directory`: /proc/PID/ns. Each link is some less to look up than from above it. */
static int read_links(int directory, uint64_t ret[NAMESPACE_KINDS])
{
	uint64_t inodes[NAMESPACE_KINDS] = { 0 };
	bool missing = false;

	for (enum namespace_kind kind = 0; kind < NAMESPACE_KINDS; kind++) {
		int r = read_link(directory, namespace_table[kind].proc_link, &inodes[kind]);

		/* ENOENT: a kind that this kernel has not, or the process has exited, which is told apart below */
		if (r < 0 && r != -ENOENT)
			return r;
		missing = missing || r < 0;
	}

	/*
	 * An exiting process drops its namespaces: that the one which every kernel has is still
	 * there ends the matter.
	 */
	const char *every = namespace_table[NAMESPACE_MOUNT].proc_link;
	int r = missing ? read_link(directory, every, &inodes[NAMESPACE_MOUNT]) : 0;

	if (r < 0)
		return r == -ENOENT ? -ESRCH : r;
	memcpy(ret, inodes, sizeof(inodes));
	return 0;
}

int process_namespaces_at(int process, uint64_t ret[NAMESPACE_KINDS])
{
	_cleanup_close_ int directory = openat(process, "ns", O_PATH | O_DIRECTORY | O_CLOEXEC);

	if (directory < 0)
		return errno == ENOENT ? -ESRCH : -errno;
	return read_links(directory, ret);
}

int process_namespaces_open(pid_t pid)
{
	return open_path(pid, "/ns", O_PATH | O_DIRECTORY);
}

int process_namespaces(pid_t pid, uint64_t ret[NAMESPACE_KINDS])
{
	_cleanup_close_ int directory = process_namespaces_open(pid);

	return directory < 0 ? directory : read_links(directory, ret);
}

/* `name`: behind a slash. */
static int read_text(pid_t pid, const char *name, char *buffer, size_t capacity)
{
	_cleanup_close_ int fd = open_path(pid, name, O_RDONLY);

	if (fd < 0)
		return fd;

	ssize_t size = read(fd, buffer, capacity - 1);

	if (size < 0)
		return -errno;
	buffer[size] = '\0';
	return 0;
}

int process_state(pid_t pid, char *ret_state, uint64_t *ret_start)
{
	char stat[1024];
	int r = read_text(pid, "/stat", stat, sizeof(stat));

	if (r < 0)
		return r;

	/* The command name is the process's own choice and may hold spaces and brackets: count from the last one on. */
	const char *field = strrchr(stat, ')');
	char *end = NULL;
	char state = '\0';

	if (field && field[1] == ' ')
		state = field[2];

	for (int i = 2; field && i < START_TIME_FIELD; i++)
		field = strchr(field + 1, ' ');

	uint64_t start = field && field[1] >= '0' && field[1] <= '9' ? strtoull(field + 1, &end, 10) : 0;

	if (!state || !end)
		return -EBADMSG;
	*ret_state = state;
	*ret_start = start;
	return 0;
}

int process_start_time(pid_t pid, uint64_t *ret)
{
	char state;

	return process_state(pid, &state, ret);
}

int process_boottime_offset(pid_t pid, int64_t *ret)
{
	char offsets[256], comm[32];
	const char *boottime;
	int64_t seconds = 0;
	int r = read_text(pid, "/timens_offsets", offsets, sizeof(offsets));

	/* a kernel without them; a process that is gone has no other file either */
	if (r == -ESRCH && read_text(pid, "/comm", comm, sizeof(comm)) == 0) {
		*ret = 0;
		return 0;
	}
	if (r < 0)
		return r;
	boottime = strstr(offsets, "boottime");
	if (!boottime || sscanf(boottime + strlen("boottime"), "%" SCNi64, &seconds) != 1)
		return -EBADMSG;
	*ret = seconds;
	return 0;
}
