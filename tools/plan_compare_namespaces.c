/* SPDX-License-Identifier: BSD-3-Clause OR GPL-2.0-or-later */
#include "tools/plan_compare_private.h"

#include "session/cgroup.h"
#include "session/process.h"
#include "session/user_map.h"
#include "tools/process_info.h"
#include "tools/seen.h"

#include <inttypes.h>
#include <string.h>

/*
 * The group that a hierarchy of cgroups(7) shows as its root is told by the reader's namespace, which is the host's.
 * What has the host's own root there, or one above it, shows all groups, unless the session is in that root itself.
 */
static bool shows_every_group(const struct mount_entry *entry, const char *groups)
{
	_cleanup_free_ char *copy = strdup(groups);
	char *rest = copy;
	struct cgroup group;

	const bool all = strcmp(entry->root, "/") == 0 || strncmp(entry->root, "/..", strlen("/..")) == 0;

	while (all && rest && cgroup_next(&rest, &group) > 0) {
		_cleanup_free_ char *first = strndup(group.controllers, strcspn(group.controllers, ","));
		const bool unified = !*group.controllers && strcmp(entry->type, "cgroup2") == 0;

		if (strcmp(group.path, "/") != 0 &&
		    (unified || (first && *first && strcmp(entry->type, "cgroup") == 0 &&
				 mount_option(entry->super_options, first))))
			return true;
	}
	return false;
}

int plan_compare_cgroups(const struct comparison *comparison, const struct step *step)
{
	_cleanup_close_ int process = process_open(comparison->init);
	_cleanup_free_ char *groups = NULL;
	const char *root = NULL;
	int r = process < 0 ? process : process_file_read(process, "cgroup", CGROUPS_MAX, &groups, NULL);

	/* gone meanwhile */
	if (r < 0)
		return r == -ENOMEM ? r : 0;
	for (size_t i = 0; i < comparison->mounts.count; i++) {
		const struct mount_entry *entry = &comparison->mounts.items[i];
		struct seen seen;

		if (strncmp(entry->type, "cgroup", strlen("cgroup")) != 0 ||
		    seen_find(comparison->root, entry->target, &comparison->mounts, &seen) < 0 || seen.mount != entry)
			continue;
		if (shows_every_group(entry, groups))
			return tell(comparison, step, PART_MOUNT, entry->target,
				    "%s shows the control groups of the host", entry->target);
		root = root && strlen(root) >= strlen(entry->root) ? root : entry->root;
	}
	return tell(comparison, step, PART_MOUNT, root, NULL);
}

/* Nobody can change it once there is a process in the namespace: what differs is another namespace. */
int plan_compare_time(const struct comparison *comparison, const struct step *step)
{
	int64_t seconds = 0;
	char shown[48];
	int r = process_boottime_offset(comparison->init, &seconds);

	/* gone meanwhile */
	if (r < 0)
		return 0;
	(void)snprintf(shown, sizeof(shown), "boottime %+" PRIi64, seconds);
	if (seconds == step->seconds)
		return tell(comparison, step, PART_NAMESPACE, shown, NULL);
	return tell(comparison, step, PART_NAMESPACE, shown,
		    "its boot clock is %" PRIi64 " s ahead of the machine's, its plan says %" PRIi64, seconds,
		    step->seconds);
}

/* "0 0 4294967295", whatever the blanks. Malloced, or NULL. */
static char *read_map(int process, const char *name)
{
	_cleanup_free_ char *text = NULL;
	char *out;

	if (process_file_read(process, name, CGROUPS_MAX, &text, NULL) < 0)
		return NULL;
	out = text;
	for (const char *at = text; *at; at++)
		if (*at > ' ' || (out > text && out[-1] != ' '))
			*out++ = (char)(*at > ' ' ? *at : ' ');
	if (out > text && out[-1] == ' ')
		out--;
	*out = '\0';
	return TAKE_PTR(text);
}

/* Nobody can change it once it is written: what differs is another namespace. */
int plan_compare_user_map(const struct comparison *comparison, const struct step *step)
{
	static const char *const names[] = { "uid_map", "gid_map" };
	_cleanup_close_ int process = process_open(comparison->init);

	for (size_t i = 0; i < ELEMENTS(names); i++) {
		_cleanup_free_ char *map = process < 0 ? NULL : read_map(process, names[i]);

		/* gone meanwhile */
		if (!map)
			return 0;
		if (strcmp(map, USER_MAP_IDENTITY_TEXT) != 0)
			return tell(comparison, step, PART_NAMESPACE, map,
				    "its %s is '%s', its plan says that every id is itself", names[i], map);
	}
	return comparison->session->apart[NAMESPACE_USER]
		       ? tell(comparison, step, PART_NAMESPACE, step->value, NULL)
		       : tell(comparison, step, PART_NAMESPACE, NULL, "it has no user namespace of its own");
}
