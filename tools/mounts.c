/* SPDX-License-Identifier: BSD-3-Clause OR GPL-2.0-or-later */
#include "tools/mounts.h"

#include "tools/process_info.h"

#include <string.h>

#define MOUNTINFO_MAX (4 * 1024 * 1024)

static bool is_octal(char digit)
{
	return digit >= '0' && digit <= '7';
}

/* A copy with the kernel's \040 undone; NULL without memory. */
static char *unescape(const char *text)
{
	char *result = malloc(strlen(text) + 1);
	char *to = result;

	while (result && *text) {
		if (text[0] == '\\' && is_octal(text[1]) && is_octal(text[2]) && is_octal(text[3])) {
			*to++ = (char)((text[1] - '0') << 6 | (text[2] - '0') << 3 | (text[3] - '0'));
			text += 4;
		} else {
			*to++ = *text++;
		}
	}
	if (result)
		*to = '\0';
	return result;
}

static void entry_release(struct mount_entry *entry)
{
	free(entry->root);
	free(entry->target);
	free(entry->options);
	free(entry->type);
	free(entry->source);
	free(entry->super_options);
}

/* Up to `count` fields, each ended by one space. What is behind them is left, NULL when nothing is. */
static size_t split(char **line, char **fields, size_t count)
{
	size_t found = 0;

	while (found < count && *line)
		fields[found++] = strsep(line, " ");
	return found;
}

/* The number behind "shared:" or "master:" among the optional fields, or 0. */
static unsigned find_group(const char *optional, const char *name)
{
	const char *at = optional ? strstr(optional, name) : NULL;
	unsigned group = 0;

	return at && sscanf(at + strlen(name), "%u", &group) == 1 ? group : 0;
}

/* "36 35 98:0 /mnt1 /mnt2 rw,noatime master:1 - ext3 /dev/root rw,errors=continue": 1; 0: no such line; -ENOMEM. */
static int parse_line(char *line, struct mount_entry *entry)
{
	char *rest = strstr(line, " - ");
	char *head[6];
	char *tail[3];

	if (!rest)
		return 0;
	*rest = '\0';
	rest += strlen(" - ");
	if (split(&line, head, ELEMENTS(head)) < ELEMENTS(head) ||
	    split(&rest, tail, ELEMENTS(tail)) < ELEMENTS(tail) || sscanf(head[0], "%u", &entry->id) != 1 ||
	    sscanf(head[1], "%u", &entry->parent) != 1 || sscanf(head[2], "%u:%u", &entry->major, &entry->minor) != 2)
		return 0;

	entry->shared = find_group(line, "shared:");
	entry->master = find_group(line, "master:");
	entry->root = unescape(head[3]);
	entry->target = unescape(head[4]);
	entry->options = unescape(head[5]);
	entry->type = unescape(tail[0]);
	entry->source = unescape(tail[1]);
	entry->super_options = unescape(tail[2]);
	return entry->root && entry->target && entry->options && entry->type && entry->source && entry->super_options
		       ? 1
		       : -ENOMEM;
}

static int add_line(struct mount_list *list, char *line)
{
	struct mount_entry entry = { 0 };
	int r = parse_line(line, &entry);

	if (r > 0) {
		struct mount_entry *items = reallocarray(list->items, list->count + 1, sizeof(*items));

		if (items) {
			items[list->count++] = entry;
			list->items = items;
			return 0;
		}
		r = -ENOMEM;
	}
	entry_release(&entry);
	return r;
}

int mounts_parse(char *text, struct mount_list *ret)
{
	_cleanup_(mounts_release) struct mount_list list = { 0 };
	char *line;

	while ((line = strsep(&text, "\n"))) {
		int r = add_line(&list, line);

		if (r < 0)
			return r;
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

	return r < 0 ? r : mounts_parse(text, ret);
}

void mounts_release(struct mount_list *list)
{
	for (size_t i = 0; i < list->count; i++)
		entry_release(&list->items[i]);
	free(list->items);
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
