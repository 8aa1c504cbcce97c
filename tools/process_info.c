/* SPDX-License-Identifier: BSD-3-Clause OR GPL-2.0-or-later */
#include "tools/process_info.h"

#include "common/error.h"
#include "common/read_whole.h"

#include <dirent.h>
#include <fcntl.h>
#include <inttypes.h>
#include <string.h>

#define STATUS_MAX  (16 * 1024)
#define COMMAND_MAX 4096

int process_file_read(int process, const char *name, size_t limit, char **ret, size_t *ret_size)
{
	_cleanup_close_ int fd = openat(process, name, O_RDONLY | O_NOFOLLOW | O_CLOEXEC);
	size_t size;
	int r;

	if (fd < 0)
		return errno == ENOENT ? -ESRCH : negative_errno();
	r = read_head(fd, limit, ret, &size);
	if (r == 0 && ret_size)
		*ret_size = size;
	return r;
}

/* What stat says; its command name is bracketed and may hold anything. *ret_name is a piece of `text`. */
static int parse_stat(char *text, struct process_info *info, char **ret_name)
{
	char *open = strchr(text, '(');
	char *close = strrchr(text, ')');
	int parent;
	uint64_t user, system, start;
	int64_t pages;

	if (!open || !close || close < open)
		return -EBADMSG;
	*close = '\0';
	*ret_name = open + 1;

	/* fields 3, 4, 14, 15, 22 and 24 of proc_pid_stat(5) */
	if (sscanf(close + 1,
		   " %c %d %*s %*s %*s %*s %*s %*s %*s %*s %*s %" SCNu64 " %" SCNu64 " %*s %*s %*s %*s %*s %*s %" SCNu64
		   " %*s %" SCNd64,
		   &info->state, &parent, &user, &system, &start, &pages) != 6)
		return -EBADMSG;
	info->parent = parent;
	info->start = start;
	info->cpu = (user + system) / (uint64_t)sysconf(_SC_CLK_TCK);
	info->memory = pages > 0 ? (uint64_t)pages * (uint64_t)sysconf(_SC_PAGESIZE) : 0;
	return 0;
}

static int parse_status(const char *status, struct process_info *info)
{
	const char *state = process_status_value(status, "\nState:\t");
	const char *parent = process_status_value(status, "\nPPid:");
	const char *uids = process_status_value(status, "\nUid:");
	const char *levels = process_status_value(status, "\nNSpid:");
	int length;
	int pid;

	if (!uids || sscanf(uids, "%u %u", &info->real_uid, &info->uid) != 2 || !parent ||
	    sscanf(parent, "%d", &info->parent) != 1 || !state || !*state)
		return -EBADMSG;
	info->state = *state;

	info->level_count = 0;
	while (levels && info->level_count < PID_LEVELS && *levels != '\n' &&
	       sscanf(levels, "\t%d%n", &pid, &length) == 1) {
		info->levels[info->level_count++] = pid;
		levels += length;
	}
	if (info->level_count == 0)
		return -EBADMSG;
	info->pid = info->levels[0];
	return 0;
}

static char *make_command(char *line, size_t size, const char *name)
{
	char *command = NULL;

	while (size > 0 && line[size - 1] == '\0')
		size--;
	if (size == 0)
		return asprintf(&command, "[%s]", name) < 0 ? NULL : command;

	for (size_t i = 0; i < size; i++) {
		if (line[i] == '\0')
			line[i] = ' ';
	}
	return strndup(line, size);
}

int process_stat_read(int process, struct process_info *ret)
{
	_cleanup_free_ char *text = NULL;
	struct process_info info = { 0 };
	char *name;
	int r = process_file_read(process, "stat", STATUS_MAX, &text, NULL);

	if (r == 0)
		r = parse_stat(text, &info, &name);
	if (r < 0)
		return r;
	*ret = info;
	return 0;
}

int process_status_read(int process, struct process_info *ret, char **ret_text)
{
	_cleanup_free_ char *text = NULL;
	struct process_info info = { 0 };
	int r = process_file_read(process, "status", STATUS_MAX, &text, NULL);

	if (r == 0)
		r = parse_status(text, &info);
	if (r < 0)
		return r;
	*ret = info;
	*ret_text = TAKE_PTR(text);
	return 0;
}

int process_info_read(int process, struct process_info *ret)
{
	_cleanup_free_ char *stat = NULL;
	_cleanup_free_ char *status = NULL;
	_cleanup_free_ char *line = NULL;
	struct process_info info = { 0 };
	char *name;
	size_t size = 0;
	int r;

	r = process_file_read(process, "stat", STATUS_MAX, &stat, NULL);
	if (r < 0)
		return r;
	r = parse_stat(stat, &info, &name);
	if (r < 0)
		return r;

	r = process_file_read(process, "status", STATUS_MAX, &status, NULL);
	if (r < 0)
		return r;
	r = parse_status(status, &info);
	if (r < 0)
		return r;

	r = process_file_read(process, "cmdline", COMMAND_MAX, &line, &size);
	if (r < 0)
		return r;
	info.command = make_command(line, size, name);
	if (!info.command)
		return -ENOMEM;
	*ret = info;
	return 0;
}

void process_info_release(struct process_info *info)
{
	free(info->command);
	*info = (struct process_info){ 0 };
}

int process_open_live_thread(int process)
{
	int fd = openat(process, "task", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	_cleanup_(closedirp) DIR *dir = fd < 0 ? NULL : fdopendir(fd);
	const struct dirent *entry;

	if (!dir) {
		close_fd(fd);
		return -ESRCH;
	}
	while ((entry = readdir(dir))) {
		_cleanup_close_ int thread = -1;
		struct process_info info;

		if (entry->d_name[0] == '.')
			continue;
		thread = openat(dirfd(dir), entry->d_name, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
		if (thread >= 0 && process_stat_read(thread, &info) == 0 && !process_is_zombie(&info))
			return TAKE_FD(thread);
	}
	return -ESRCH;
}
