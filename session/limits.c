/* SPDX-License-Identifier: BSD-3-Clause OR GPL-2.0-or-later */
#include "session/limits.h"

#include "common/error.h"
#include "common/read_whole.h"
#include "config/problem.h"
#include "session/cgroup.h"

#include <fcntl.h>
#include <inttypes.h>
#include <string.h>
#include <unistd.h>

#define LIMIT_TEXT 32
#define OLD_SHARES 1024                /* cgroup v1 for what is LIMITS_WEIGHT_NONE in v2 */
#define OLD_NONE   (UINT64_C(1) << 62) /* cgroup v1 has the largest number of whole pages for no limit */

static const struct {
	const char *name, *controller, *file, *old_file;
} kinds[LIMIT_KINDS] = {
	[LIMIT_MEMORY] = { "memory", "memory", "memory.max", "memory.limit_in_bytes" },
	[LIMIT_TASKS] = { "tasks", "pids", "pids.max", "pids.max" },
	[LIMIT_CPU_WEIGHT] = { "cpu-weight", "cpu", "cpu.weight", "cpu.shares" },
};

void limit_seen_release(struct limit_seen *seen)
{
	free(seen->group);
	*seen = (struct limit_seen){ 0 };
}

const char *limit_name(enum limit limit)
{
	return kinds[limit].name;
}

uint64_t limit_wanted(const struct limits *limits, enum limit limit)
{
	switch (limit) {
	case LIMIT_MEMORY:
		return limits->memory > 0 ? limits->memory : LIMIT_NONE;
	case LIMIT_TASKS:
		return limits->tasks > 0 ? limits->tasks : LIMIT_NONE;
	case LIMIT_CPU_WEIGHT:
		return limits->cpu_weight > 0 && limits->cpu_weight != LIMITS_WEIGHT_NONE ? limits->cpu_weight
											  : LIMIT_NONE;
	case LIMIT_KINDS:
	default:
		return LIMIT_NONE;
	}
}

bool limits_are_none(const struct limits *limits)
{
	for (enum limit limit = 0; limit < LIMIT_KINDS; limit++)
		if (limit_wanted(limits, limit) != LIMIT_NONE)
			return false;
	return true;
}

bool limits_equal(const struct limits *left, const struct limits *right)
{
	for (enum limit limit = 0; limit < LIMIT_KINDS; limit++)
		if (limit_wanted(left, limit) != limit_wanted(right, limit))
			return false;
	return true;
}

static void put_number(char text[LIMIT_TEXT], enum limit limit, uint64_t number)
{
	static const struct {
		unsigned shift;
		char suffix;
	} units[] = { { 30, 'g' }, { 20, 'm' }, { 10, 'k' } };

	for (size_t i = 0; limit == LIMIT_MEMORY && i < ELEMENTS(units); i++) {
		if (number >> units[i].shift << units[i].shift != number)
			continue;
		(void)snprintf(text, LIMIT_TEXT, "%" PRIu64 "%c", number >> units[i].shift, units[i].suffix);
		return;
	}
	(void)snprintf(text, LIMIT_TEXT, "%" PRIu64, number);
}

char *limits_format(const struct limits *limits)
{
	char text[128] = "", number[LIMIT_TEXT];
	size_t used = 0;

	for (enum limit limit = 0; limit < LIMIT_KINDS; limit++) {
		const uint64_t wanted = limit_wanted(limits, limit);

		if (wanted == LIMIT_NONE)
			continue;
		put_number(number, limit, wanted);
		used += (size_t)snprintf(text + used, sizeof(text) - used, "%s%s=%s", used > 0 ? " " : "",
					 kinds[limit].name, number);
	}
	return strdup(text);
}

/* Whether commas divide the word from others in the list. */
static bool has_word(const char *list, const char *word)
{
	const size_t length = strlen(word);

	for (const char *at = list; *at; at += strcspn(at, ","), at += *at == ',')
		if (strcspn(at, ",") == length && strncmp(at, word, length) == 0)
			return true;
	return false;
}

/* The line of the hierarchy that has the controller: one of cgroup v1, where it is attached to none of v2. */
static int find_group(char *text, const char *controller, struct cgroup *ret)
{
	struct cgroup group, unified = { 0 };
	int r;

	while ((r = cgroup_next(&text, &group)) > 0) {
		if (!*group.controllers)
			unified = group;
		if (!has_word(group.controllers, controller))
			continue;
		*ret = group;
		return 0;
	}
	if (r < 0 || !unified.path)
		return r < 0 ? r : -ENOENT;
	*ret = unified;
	return 0;
}

static int read_number(int group, const char *name, uint64_t *ret)
{
	_cleanup_close_ int fd = openat(group, name, O_RDONLY | O_NOFOLLOW | O_CLOEXEC);
	_cleanup_free_ char *text = NULL;
	size_t size;
	char *end;
	int r = fd < 0 ? negative_errno() : read_head(fd, LIMIT_TEXT, &text, &size);

	if (r < 0)
		return r;
	if (strcmp(text, "max\n") == 0) {
		*ret = LIMIT_NONE;
		return 0;
	}
	*ret = strtoull(text, &end, 10);
	if (end == text || (*end != '\n' && *end != '\0'))
		return -EBADMSG;
	if (*ret >= OLD_NONE)
		*ret = LIMIT_NONE;
	return 0;
}

/* The group itself must have the file; those above it need not, as the root has none. */
int limit_read_at(int root, const char *path, struct limit_seen *seen)
{
	_cleanup_free_ char *above = strdup(path);
	_cleanup_close_ int group = cgroup_open(root, path);
	char *slash;
	int r = !above ? -ENOMEM : group < 0 ? group : read_number(group, seen->file, &seen->own);

	if (r < 0)
		return r;
	seen->least = seen->own;
	while ((slash = strrchr(above, '/')) && slash != above) {
		_cleanup_close_ int next = -1;
		uint64_t number;

		*slash = '\0';
		next = cgroup_open(root, above);
		if (next >= 0 && read_number(next, seen->file, &number) == 0 && number < seen->least)
			seen->least = number;
	}
	return 0;
}

int limit_read(const char *text, enum limit limit, struct limit_seen *ret)
{
	_cleanup_free_ char *copy = strdup(text), *mount = NULL;
	_cleanup_close_ int root = -1;
	struct cgroup group;
	int r;

	*ret = (struct limit_seen){ .file = kinds[limit].file };
	r = copy ? find_group(copy, kinds[limit].controller, &group) : -ENOMEM;
	if (r < 0)
		return r;
	ret->old = *group.controllers;
	ret->file = ret->old ? kinds[limit].old_file : kinds[limit].file;
	ret->group = strdup(group.path);
	if (!ret->group)
		return -ENOMEM;
	mount = cgroup_mount_find(group.controllers);
	if (!mount)
		return -ENOENT;
	root = open(mount, O_PATH | O_DIRECTORY | O_CLOEXEC);
	return root < 0 ? negative_errno() : limit_read_at(root, group.path, ret);
}

/* As systemd converts it for cgroup v1. */
static uint64_t old_shares(uint64_t weight)
{
	const uint64_t shares = weight * OLD_SHARES / LIMITS_WEIGHT_NONE;

	return shares < 2 ? 2 : shares;
}

bool limit_is_exact(const struct limit_seen *seen, enum limit limit, uint64_t wanted)
{
	const uint64_t page = (uint64_t)sysconf(_SC_PAGESIZE);

	if (limit == LIMIT_CPU_WEIGHT && seen->old)
		return seen->own == old_shares(wanted);
	if (limit == LIMIT_MEMORY && seen->own != LIMIT_NONE)
		return seen->own / page == wanted / page;
	return seen->own == wanted;
}

/* "?" where it cannot be read. */
static void put_seen(char text[LIMIT_TEXT], const char *groups, enum limit limit)
{
	_cleanup_(limit_seen_release) struct limit_seen seen = { 0 };

	if (limit_read(groups, limit, &seen) < 0)
		(void)snprintf(text, LIMIT_TEXT, "?");
	else if (seen.own == LIMIT_NONE)
		(void)snprintf(text, LIMIT_TEXT, "none");
	else
		put_number(text, limit,
			   limit == LIMIT_CPU_WEIGHT && seen.old
				   ? (seen.own * LIMITS_WEIGHT_NONE + OLD_SHARES / 2) / OLD_SHARES
				   : seen.own);
}

char *limits_seen_format(const char *text, const struct limits *wanted)
{
	char joined[128] = "", number[LIMIT_TEXT];
	size_t used = 0;

	for (enum limit limit = 0; limit < LIMIT_KINDS; limit++) {
		if (limit_wanted(wanted, limit) == LIMIT_NONE)
			continue;
		put_seen(number, text, limit);
		used += (size_t)snprintf(joined + used, sizeof(joined) - used, "%s%s=%s", used > 0 ? " " : "",
					 kinds[limit].name, number);
	}
	return strdup(joined);
}

static int say(enum limit limit, const struct limit_seen *seen, uint64_t found, uint64_t wanted, char **ret)
{
	char has[LIMIT_TEXT] = "none", wants[LIMIT_TEXT];

	put_number(wants, limit, wanted);
	if (found != LIMIT_NONE)
		put_number(has, limit, found);
	return problem(ret, -EINVAL, "limits.%s: %s is %s in the control group %s, not %s", kinds[limit].name,
		       seen->file, has, seen->group, wants);
}

static int judge(const char *text, enum limit limit, uint64_t wanted, bool exact, char **ret)
{
	_cleanup_(limit_seen_release) struct limit_seen seen = { 0 };
	int r = limit_read(text, limit, &seen);

	/* cgroup_namespaces(7): above the root of this process's own */
	if (r == -ENOENT || r == -EXDEV)
		return problem(ret, -EINVAL, "limits.%s: the control group %s has no %s that is seen from here",
			       kinds[limit].name, seen.group ? seen.group : "of cgroup v2", seen.file);
	if (r < 0)
		return r;
	if (exact)
		return limit_is_exact(&seen, limit, wanted) ? 0 : say(limit, &seen, seen.own, wanted, ret);
	return seen.least <= wanted ? 0 : say(limit, &seen, seen.least, wanted, ret);
}

/* Where others may be tighter, no weight is: of version 2 the group need not even have one. */
static bool is_judged(const struct limits *wanted, enum limit limit, bool exact)
{
	return limit_wanted(wanted, limit) != LIMIT_NONE && (exact || limit != LIMIT_CPU_WEIGHT);
}

int limits_judge(const char *text, const struct limits *wanted, bool exact, char **ret)
{
	int r = 0;

	*ret = NULL;
	for (enum limit limit = 0; r == 0 && limit < LIMIT_KINDS; limit++)
		if (is_judged(wanted, limit, exact))
			r = judge(text, limit, limit_wanted(wanted, limit), exact, ret);
	return r;
}
