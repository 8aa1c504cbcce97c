/* SPDX-License-Identifier: BSD-3-Clause OR GPL-2.0-or-later */
#include "session/etc_files.h"

#include "common/write_whole.h"
#include "config/problem.h"
#include "session/mount_calls.h"
#include "session/record.h"
#include "session/root_file.h"

#include <fcntl.h>
#include <stdbool.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>

/* Where the files are kept in the session, which only root enters. */
#define KEPT "etc"

/* What Debian has the host's own name at, hosts(5): an address that is nobody's. */
#define OWN_ADDRESS "127.0.1.1"

/* A file's text while it is made; room for a line more. */
struct text {
	char *data;
	size_t size;
};

static int read_text(const char *path, struct text *ret)
{
	_cleanup_close_ int fd = root_file_open(path);
	_cleanup_free_ char *data = NULL;
	size_t size = 0;

	if (fd < 0)
		return fd;
	data = malloc(ETC_FILE_MAX + 1);
	if (!data)
		return -ENOMEM;
	for (;;) {
		ssize_t count = read(fd, data + size, ETC_FILE_MAX + 1 - size);

		if (count < 0 && errno == EINTR)
			continue;
		if (count < 0)
			return -errno;
		size += (size_t)count;
		if (count == 0)
			break;
		if (size > ETC_FILE_MAX)
			return -EFBIG;
	}
	*ret = (struct text){ TAKE_PTR(data), size };
	return 0;
}

/* hosts(5): an address and names, up to a '#'. */
static bool line_knows(const char *line, size_t length, const char *name)
{
	const char *end = memchr(line, '#', length);
	bool address = true;

	end = end ? end : line + length;
	while (line < end) {
		const char *word = line;

		while (line < end && *line != ' ' && *line != '\t')
			line++;
		if (!address && (size_t)(line - word) == strlen(name) && memcmp(word, name, strlen(name)) == 0)
			return true;
		address = address && line == word;
		line++;
	}
	return false;
}

static bool knows(const struct text *text, const char *name)
{
	const char *line = text->data, *end = text->data + text->size;

	while (line < end) {
		const char *newline = memchr(line, '\n', (size_t)(end - line));
		size_t length = (size_t)((newline ? newline : end) - line);

		if (line_knows(line, length, name))
			return true;
		line += length + 1;
	}
	return false;
}

static int add_line(struct text *text, const char *first, const char *second)
{
	const bool open_line = text->size > 0 && text->data[text->size - 1] != '\n';
	char *data = realloc(text->data, text->size + strlen(first) + strlen(second) + sizeof("\n\t\n"));
	char *end;

	if (!data)
		return -ENOMEM;
	text->data = data;
	end = stpcpy(data + text->size, open_line ? "\n" : "");
	end = stpcpy(stpcpy(stpcpy(end, first), second), "\n");
	text->size = (size_t)(end - data);
	return 0;
}

/* 1 with the text; 0 where the host's own file serves; -errno. */
static int make_text(const struct step *step, struct text *text)
{
	int r = -ENOENT;

	if (step->value && step->value[0] != '/')
		return add_line(text, step->value, "") < 0 ? -ENOMEM : 1;
	if (step->value)
		r = read_text(step->value, text);
	if (r == -ENOENT && (!step->value || step->optional)) {
		if (!step->name)
			return 0;
		r = read_text(step->target, text);
	}
	if (r == 0 && step->name && !knows(text, step->name))
		r = add_line(text, OWN_ADDRESS "\t", step->name);
	return r < 0 ? r : 1;
}

static int write_text(int fd, const struct text *text)
{
	int r = write_whole(fd, text->data, text->size);

	return r == 0 && fchmod(fd, 0644) < 0 ? -errno : r;
}

/* A new file in the directory: a mount of it, or -errno. */
static int write_and_copy(int directory, const char *name, const struct text *text)
{
	struct mount_attr attributes = {
		.attr_set = MOUNT_ATTR_RDONLY | MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV | MOUNT_ATTR_NOEXEC,
	};
	_cleanup_close_ int file = openat(directory, name, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
	_cleanup_close_ int tree = -1;
	int r;

	if (file < 0)
		return -errno;
	r = write_text(file, text);
	if (r < 0)
		return r;
	tree = open_tree(directory, name, OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC | AT_SYMLINK_NOFOLLOW);
	if (tree < 0 || mount_setattr(tree, "", AT_EMPTY_PATH, &attributes, sizeof(attributes)) < 0)
		return -errno;
	return TAKE_FD(tree);
}

/* Among what is the session's own, for a mount can only be of a file that is in sight. Likewise. */
static int keep(const char *name, const struct text *text)
{
	_cleanup_close_ int root = open(RECORD_ROOT, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	_cleanup_close_ int directory = -1;

	if (root < 0 || (mkdirat(root, KEPT, 0700) < 0 && errno != EEXIST))
		return -errno;
	directory = openat(root, KEPT, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	return directory < 0 ? -errno : write_and_copy(directory, name, text);
}

/*
 * In a file system that is in sight, over the directory of the target, for as long as it takes: of a session of one's
 * own nobody then has the file but by its read-only mount.
 */
static int keep_nowhere(const char *target, const struct text *text)
{
	_cleanup_free_ char *directory = strndup(target, (size_t)(strrchr(target, '/') - target));
	const struct mount_option options[] = {
		{ "size", "512k" }, { "nr_inodes", "4" }, { "mode", "0755" }, { "source", "nsisolate" }, { NULL, NULL },
	};
	_cleanup_close_ int fd = mount_new("tmpfs", options, MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV | MOUNT_ATTR_NOEXEC);
	int tree, r;

	if (!directory)
		return -ENOMEM;
	if (fd < 0)
		return fd;
	r = mount_attach_at(fd, directory);
	if (r < 0)
		return r;
	tree = write_and_copy(fd, strrchr(target, '/') + 1, text);
	if (umount2(directory, MNT_DETACH | UMOUNT_NOFOLLOW) == 0)
		return tree;
	r = -errno;
	close_fd(tree);
	return r;
}

static int cover(const struct step *step, const struct text *text)
{
	_cleanup_close_ int target = root_file_find(step->target);
	_cleanup_close_ int tree = -1;

	if (target < 0)
		return target;
	tree = step->own ? keep_nowhere(step->target, text) : keep(strrchr(step->target, '/') + 1, text);
	if (tree < 0)
		return tree;
	if (move_mount(tree, "", target, "", MOVE_MOUNT_F_EMPTY_PATH | MOVE_MOUNT_T_EMPTY_PATH) < 0)
		return -errno;
	return 0;
}

int mount_etc_file(const struct step *step)
{
	struct text text = { 0 };
	int r = make_text(step, &text);

	if (r > 0)
		r = cover(step, &text);
	free(text.data);
	return r;
}

static int check_step(const struct step *step, char **ret_problem)
{
	const char *key = step->kind == STEP_MOUNT_HOSTS ? "network.hosts" : "network.resolv-conf";
	_cleanup_close_ int target = -1;
	struct text text = { 0 };
	int r = make_text(step, &text);

	free(text.data);
	if (r == -ENOMEM || r == 0)
		return r;
	if (r < 0)
		return problem(ret_problem, -EINVAL, "%s: %s: %s", key,
			       step->value && step->value[0] == '/' ? step->value : step->target, root_file_error(r));
	target = root_file_find(step->target);
	if (target < 0)
		return problem(ret_problem, -EINVAL,
			       "%s: %s, over which the session's own is mounted: %s; make it, if only an empty one, or "
			       "leave the host's by \"host\"",
			       key, step->target, root_file_error(target));
	return 0;
}

int etc_files_check(const struct plan *plan, char **ret_problem)
{
	int r = 0;

	for (size_t i = 0; r == 0 && i < plan->count; i++)
		if (plan->steps[i].kind == STEP_MOUNT_HOSTS || plan->steps[i].kind == STEP_MOUNT_RESOLV_CONF)
			r = check_step(&plan->steps[i], ret_problem);
	return r;
}
