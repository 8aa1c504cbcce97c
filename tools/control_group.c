/* SPDX-License-Identifier: BSD-3-Clause OR GPL-2.0-or-later */
#include "tools/control_group.h"

#include "common/read_whole.h"
#include "session/cgroup.h"
#include "tools/mounts.h"

#include <fcntl.h>
#include <string.h>

char *control_group_path(const char *text)
{
	for (const char *line = text; line && *line; line = strchr(line, '\n')) {
		line += *line == '\n' ? 1 : 0;
		if (strncmp(line, "0::/", 4) == 0)
			return strndup(line + 3, strcspn(line + 3, "\n"));
	}
	return NULL;
}

static void read_value(int group, const char *name, char ret[CONTROL_GROUP_VALUE])
{
	_cleanup_close_ int fd = openat(group, name, O_RDONLY | O_NOFOLLOW | O_CLOEXEC);
	_cleanup_free_ char *text = NULL;
	size_t size;

	ret[0] = '\0';
	if (fd >= 0 && read_head(fd, CONTROL_GROUP_VALUE, &text, &size) == 0)
		(void)snprintf(ret, CONTROL_GROUP_VALUE, "%.*s", (int)strcspn(text, "\n"), text);
}

/* "max" is more than any number. */
static bool is_less(const char *left, const char *right)
{
	if (*left == '\0' || strcmp(left, "max") == 0)
		return false;
	return *right == '\0' || strcmp(right, "max") == 0 || strtoull(left, NULL, 10) < strtoull(right, NULL, 10);
}

static void read_least(int group, const char *name, char ret[CONTROL_GROUP_VALUE])
{
	char value[CONTROL_GROUP_VALUE];

	read_value(group, name, value);
	if (*ret == '\0' || is_less(value, ret))
		(void)snprintf(ret, CONTROL_GROUP_VALUE, "%s", *value ? value : ret);
}

/* The group itself, then those above it, but the root, which has no limits. */
static void read_limits(int root, char *path, struct control_group *ret)
{
	char *slash;

	while ((slash = strrchr(path, '/')) && slash[1]) {
		_cleanup_close_ int group = cgroup_open(root, path);

		if (group >= 0) {
			read_least(group, "memory.max", ret->memory_max);
			read_least(group, "pids.max", ret->tasks_max);
		}
		*slash = '\0';
	}
}

void control_group_read_at(int root, const char *path, struct control_group *ret)
{
	_cleanup_close_ int group = cgroup_open(root, path);
	_cleanup_free_ char *copy = strdup(path);

	*ret = (struct control_group){ 0 };
	if (group < 0 || !copy)
		return;
	read_value(group, "memory.current", ret->memory_current);
	read_value(group, "pids.current", ret->tasks_current);
	read_value(group, "cpu.weight", ret->cpu_weight);
	read_limits(root, copy, ret);
}

void control_group_read(const char *path, struct control_group *ret)
{
	_cleanup_(mounts_release) struct mount_list mounts = { 0 };

	*ret = (struct control_group){ 0 };
	if (mounts_read(getpid(), &mounts) < 0)
		return;
	for (size_t i = 0; i < mounts.count; i++) {
		if (strcmp(mounts.items[i].type, "cgroup2") != 0)
			continue;

		_cleanup_close_ int root = open(mounts.items[i].target, O_PATH | O_DIRECTORY | O_CLOEXEC);

		if (root >= 0)
			control_group_read_at(root, path, ret);
		return;
	}
}
