/* SPDX-License-Identifier: BSD-3-Clause OR GPL-2.0-or-later */
#include "tools/mounts.h"

#include "common/unescape.h"
#include "tools/process_info.h"

#include <limits.h>
#include <string.h>

#define MOUNTINFO_MAX (4 * 1024 * 1024)
#define ROOM_FIRST    64 /* mounts */

/* Up to `count` fields, each ended by one space. What is behind them is left, NULL when nothing is. */
static size_t split(char **line, char **fields, size_t count)
{
	size_t found = 0;

	while (found < count && *line)
		fields[found++] = strsep(line, " ");
	return found;
}

/* The number at the start of a text: what is behind it, or NULL when there is none. */
static const char *parse_number(const char *text, unsigned *ret)
{
	char *end = NULL;
	unsigned long number = *text >= '0' && *text <= '9' ? strtoul(text, &end, 10) : 0;

	if (!end || number > UINT_MAX)
		return NULL;
	*ret = (unsigned)number;
	return end;
}

/* "98:0" */
static bool parse_device(const char *text, struct mount_entry *entry)
{
	const char *colon = parse_number(text, &entry->major);

	return colon && *colon == ':' && parse_number(colon + 1, &entry->minor);
}

/* The number behind "shared:" or "master:" among the optional fields, or 0. */
static unsigned find_group(const char *optional, const char *name)
{
	const char *at = optional ? strstr(optional, name) : NULL;
	unsigned group = 0;

	return at && parse_number(at + strlen(name), &group) ? group : 0;
}

/* "36 35 98:0 /mnt1 /mnt2 rw,noatime master:1 - ext3 /dev/root rw,errors=continue" */
static bool parse_line(char *line, struct mount_entry *entry)
{
	char *rest = strstr(line, " - ");
	char *head[6];
	char *tail[3];

	if (!rest)
		return false;
	*rest = '\0';
	rest += strlen(" - ");
	if (split(&line, head, ELEMENTS(head)) < ELEMENTS(head) ||
	    split(&rest, tail, ELEMENTS(tail)) < ELEMENTS(tail) || !parse_number(head[0], &entry->id) ||
	    !parse_number(head[1], &entry->parent) || !parse_device(head[2], entry))
		return false;

	entry->shared = find_group(line, "shared:");
	entry->master = find_group(line, "master:");
	entry->root = unescape_octal(head[3]);
	entry->target = unescape_octal(head[4]);
	entry->options = unescape_octal(head[5]);
	entry->type = unescape_octal(tail[0]);
	entry->source = unescape_octal(tail[1]);
	entry->super_options = unescape_octal(tail[2]);
	return true;
}

static int make_room(struct mount_list *list)
{
	size_t room = list->room ? list->room * 2 : ROOM_FIRST;
	struct mount_entry *items;

	if (list->count < list->room)
		return 0;
	items = reallocarray(list->items, room, sizeof(*items));
	if (!items)
		return -ENOMEM;
	list->items = items;
	list->room = room;
	return 0;
}

int mounts_parse(char *text, struct mount_list *ret)
{
	_cleanup_(mounts_release) struct mount_list list = { .text = text };
	char *line;

	while ((line = strsep(&text, "\n"))) {
		struct mount_entry entry = { 0 };
		int r = make_room(&list);

		if (r < 0)
			return r;
		if (parse_line(line, &entry))
			list.items[list.count++] = entry;
	}
	*ret = list;
	list = (struct mount_list){ 0 };
	return 0;
}

int mounts_read(pid_t pid, struct mount_list *ret)
{
	_cleanup_close_ int process = process_open(pid);
	_cleanup_free_ char *text = NULL;

	if (process < 0)
		return process;

	int r = process_file_read(process, "mountinfo", MOUNTINFO_MAX, &text, NULL);

	return r < 0 ? r : mounts_parse(TAKE_PTR(text), ret);
}

void mounts_release(struct mount_list *list)
{
	free(list->items);
	free(list->text);
	*list = (struct mount_list){ 0 };
}

bool mounts_contain(const struct mount_list *list, const struct mount_entry *entry)
{
	for (size_t i = 0; i < list->count; i++) {
		const struct mount_entry *other = &list->items[i];

		if (other->major == entry->major && other->minor == entry->minor &&
		    strcmp(other->target, entry->target) == 0 && strcmp(other->root, entry->root) == 0)
			return true;
	}
	return false;
}

bool mounts_have_device(const struct mount_list *list, const struct mount_entry *entry)
{
	for (size_t i = 0; i < list->count; i++)
		if (list->items[i].major == entry->major && list->items[i].minor == entry->minor)
			return true;
	return false;
}

const struct mount_entry *mounts_find_on(const struct mount_list *list, const struct mount_entry *on,
					 const char *target)
{
	for (size_t i = 0; i < list->count; i++)
		if (list->items[i].parent == on->id && list->items[i].id != on->id &&
		    strcmp(list->items[i].target, target) == 0)
			return &list->items[i];
	return NULL;
}

/* What of a path is below a directory, with the '/' before it; "" for the directory itself; NULL for another's. */
static const char *rest_of(const char *path, const char *directory)
{
	const size_t length = strcmp(directory, "/") == 0 ? 0 : strlen(directory);

	if (strncmp(path, directory, length) != 0 || (path[length] != '/' && path[length] != '\0'))
		return NULL;
	return strcmp(path + length, "/") == 0 ? "" : path + length;
}

/* The mount that a walk along the path meets next: of those on `at`, the one that lies nearest to it. */
static const struct mount_entry *find_next(const struct mount_list *list, const struct mount_entry *at,
					   const char *path)
{
	const struct mount_entry *next = NULL;

	for (size_t i = 0; i < list->count; i++) {
		const struct mount_entry *entry = &list->items[i];

		if (entry->parent == at->id && entry != at && rest_of(path, entry->target) &&
		    (!next || strlen(entry->target) < strlen(next->target)))
			next = entry;
	}
	return next;
}

bool mounts_lead_to(const struct mount_list *list, const char *path, const struct mount_entry *entry)
{
	const struct mount_entry *at = NULL;
	const char *below, *rest;

	for (size_t i = 0; i < list->count && !at; i++)
		at = strcmp(list->items[i].target, "/") == 0 ? &list->items[i] : NULL;
	/* a mount table has no loops, but what is read may be torn */
	for (size_t i = 0; at && i < list->count; i++) {
		const struct mount_entry *next = find_next(list, at, path);

		if (!next)
			break;
		at = next;
	}
	if (!at || at->major != entry->major || at->minor != entry->minor)
		return false;
	rest = rest_of(path, at->target);
	below = rest_of(entry->root, at->root);
	return rest && below && strcmp(rest, below) == 0;
}

const char *mount_option(const char *options, const char *name)
{
	const size_t length = strlen(name);

	for (const char *at = options; at; at = strchr(at, ',')) {
		at += *at == ',' ? 1 : 0;
		if (strncmp(at, name, length) != 0)
			continue;
		if (name[length - 1] == '=')
			return at + length;
		if (at[length] == ',' || at[length] == '\0')
			return at + length;
	}
	return NULL;
}
