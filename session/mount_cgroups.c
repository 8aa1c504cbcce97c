/* SPDX-License-Identifier: BSD-3-Clause OR GPL-2.0-or-later */
#include "session/mounts.h"

#include "common/paths.h"
#include "common/unescape.h"
#include "session/mount_calls.h"

#include <stdio.h>
#include <string.h>
#include <sys/mount.h>

/*
 * A hierarchy of version 1, or the one of version 2, mounted from within a cgroup namespace begins at that namespace's
 * root: cgroup_namespaces(7). The host's mounts begin where the host's do, whoever looks.
 */

#define MOUNTINFO       "/proc/self/mountinfo"
#define OPTIONS_MAX     16  /* controllers and other words of one hierarchy of version 1; the kernel has 14 */
#define HIERARCHIES_MAX 128 /* more than anybody mounts */

/* proc_pid_mountinfo(5), as far as it says how to mount it again. */
struct hierarchy {
	char *line;
	const char *target, *type;
	char *super_options;
	bool read_only;
};

struct hierarchies {
	struct hierarchy items[HIERARCHIES_MAX];
	size_t count;
};

static void hierarchies_free(struct hierarchies **hierarchies)
{
	for (size_t i = 0; *hierarchies && i < (*hierarchies)->count; i++)
		free((*hierarchies)->items[i].line);
	free(*hierarchies);
}

/* True for a hierarchy below the directory; the line is cut up. */
static bool parse(char *line, const char *directory, struct hierarchy *ret)
{
	char *rest = strstr(line, " - ");
	char *options = NULL;

	if (!rest)
		return false;
	*rest = '\0';
	rest += strlen(" - ");
	ret->type = strsep(&rest, " ");
	if (strcmp(ret->type, "cgroup") != 0 && strcmp(ret->type, "cgroup2") != 0)
		return false;
	/* the source comes first */
	(void)strsep(&rest, " ");
	ret->super_options = strsep(&rest, "\n");
	ret->line = line;
	/* id, parent, device, root, target, options */
	for (unsigned i = 0; i < 6 && (options = strsep(&line, " ")); i++)
		if (i == 4)
			ret->target = unescape_octal(options);
	ret->read_only = options && strncmp(options, "ro", 2) == 0 && (options[2] == ',' || options[2] == '\0');
	return options && ret->super_options && path_is_within(ret->target, directory);
}

/* All of them before the first is changed, so that none of ours is among them. */
static int find(const char *directory, struct hierarchies *ret)
{
	_cleanup_(fclosep) FILE *file = fopen(MOUNTINFO, "re");
	_cleanup_free_ char *line = NULL;
	size_t size = 0;

	if (!file)
		return -errno;
	while (getline(&line, &size, file) > 0) {
		struct hierarchy found = { 0 };

		if (!parse(line, directory, &found))
			continue;
		if (ret->count == HIERARCHIES_MAX)
			return -E2BIG;
		line = NULL;
		size = 0;
		ret->items[ret->count++] = found;
	}
	return ferror(file) ? -EIO : 0;
}

/*
 * What names a hierarchy of version 1: its controllers, or "name=" and a word. The rest are words that it was made
 * with: other ones now would not change it. Of version 2 there is but one.
 */
static size_t name_hierarchy(struct hierarchy *hierarchy, struct mount_option options[OPTIONS_MAX + 1])
{
	char *word;
	size_t count = 0;

	while (strcmp(hierarchy->type, "cgroup") == 0 && count < OPTIONS_MAX &&
	       (word = strsep(&hierarchy->super_options, ","))) {
		char *value = strchr(word, '=');

		if (strcmp(word, "rw") == 0 || strcmp(word, "ro") == 0 || strcmp(word, "seclabel") == 0 ||
		    strncmp(word, "release_agent=", strlen("release_agent=")) == 0)
			continue;
		if (value)
			*value++ = '\0';
		options[count++] = (struct mount_option){ word, value };
		/* a hierarchy without controllers must say so */
		if (value && count < OPTIONS_MAX)
			options[count++] = (struct mount_option){ "none", NULL };
	}
	return count;
}

/* Tolerates ENOENT: it was mounted below one that is gone, and nobody sees it. */
static int replace(struct hierarchy *hierarchy)
{
	struct mount_option options[OPTIONS_MAX + 1] = { 0 };
	const unsigned read_only = hierarchy->read_only ? MOUNT_ATTR_RDONLY : 0;
	_cleanup_close_ int fd = -1;
	int r;

	options[name_hierarchy(hierarchy, options)] = (struct mount_option){ NULL, NULL };
	fd = mount_new(hierarchy->type, options, read_only | MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV | MOUNT_ATTR_NOEXEC);
	if (fd < 0)
		return fd;
	r = mount_detach_all(hierarchy->target);
	if (r == 0)
		r = mount_attach_at(fd, hierarchy->target);
	return r == -ENOENT ? 0 : r;
}

int mount_cgroups(const struct step *step)
{
	_cleanup_(hierarchies_free) struct hierarchies *hierarchies = calloc(1, sizeof(*hierarchies));
	int r = hierarchies ? find(step->target, hierarchies) : -ENOMEM;

	for (size_t i = 0; r == 0 && i < hierarchies->count; i++)
		r = replace(&hierarchies->items[i]);
	return r;
}
