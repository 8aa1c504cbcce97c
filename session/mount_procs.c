/* SPDX-License-Identifier: BSD-3-Clause OR GPL-2.0-or-later */
#include "session/mounts.h"

#include "common/unescape.h"
#include "session/mount_mask.h"
#include "session/syscalls.h"
#include "session/trusted_path.h"

#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#define MOUNTINFO "/proc/self/mountinfo"
/* proc(5) hands out a page at a time, and stdio asks for a quarter of that. */
#define BUFFER_SIZE 4096
/* How often one that moves away from its path is looked for anew. */
#define TRIES 64

enum covered { COVERED = 0, COVERED_NOTHING, COVERED_MOVED };

/* proc_pid_mountinfo(5): the id and the place of a proc(5) that is not /proc itself, which another step replaces. */
static bool parse(char *line, uint64_t *ret_id, char **ret_path)
{
	const char *type = strstr(line, " - ");
	char *field, *path = NULL;

	if (!type || strncmp(type, " - proc ", strlen(" - proc ")) != 0)
		return false;
	for (unsigned i = 0; i < 5 && (field = strsep(&line, " ")); i++) {
		if (i == 0 && sscanf(field, "%" SCNu64, ret_id) != 1)
			return false;
		path = i == 4 ? field : NULL;
	}
	if (!path)
		return false;
	*ret_path = unescape_octal(path);
	return strcmp(path, "/proc") != 0 && strncmp(path, "/proc/", strlen("/proc/")) != 0;
}

static bool is_mount(int fd, uint64_t id)
{
	struct statx status;

	return statx(fd, "", AT_EMPTY_PATH, STATX_MNT_ID, &status) == 0 && status.stx_mnt_id == id;
}

/*
 * Where root alone can change the path, and it does not lead there, another mount lies over it. Else whoever moves it
 * to and fro would have it passed over.
 */
static int cover(const struct step *step, const char *path, uint64_t id)
{
	const struct open_how how = { .flags = O_PATH | O_CLOEXEC,
				      .resolve = RESOLVE_NO_SYMLINKS | RESOLVE_NO_MAGICLINKS };
	_cleanup_close_ int fd = trusted_open(path);
	const bool trusted = fd >= 0 || fd == -ENOENT || fd == -ENOTDIR;

	if (fd == -EACCES)
		fd = sys_openat2(AT_FDCWD, path, &how);
	/* where the user does not get to it shows them nothing */
	if (fd < 0 && !trusted && errno == EACCES && step->own)
		return COVERED_NOTHING;
	if (fd >= 0 && is_mount(fd, id))
		return mask_attach(fd);
	return trusted ? COVERED_NOTHING : COVERED_MOVED;
}

/* COVERED_MOVED: one could not be found where it was said to be. */
static int cover_all(const struct step *step)
{
	_cleanup_free_ char *buffer = malloc(BUFFER_SIZE);
	_cleanup_(fclosep) FILE *file = fopen(MOUNTINFO, "re");
	_cleanup_free_ char *line = NULL;
	size_t size = 0;
	uint64_t id;
	char *path;
	int r = 0, worst = 0;

	if (!file)
		return -errno;
	if (!buffer)
		return -ENOMEM;
	(void)setvbuf(file, buffer, _IOFBF, BUFFER_SIZE);
	while (r >= 0 && getline(&line, &size, file) > 0) {
		if (!parse(line, &id, &path))
			continue;
		r = cover(step, path, id);
		worst = r == COVERED_MOVED ? r : worst;
	}
	if (r < 0)
		return r;
	return ferror(file) ? -EIO : worst;
}

int hide_procs(const struct step *step)
{
	int r = COVERED_MOVED;

	for (unsigned i = 0; i < TRIES && r == COVERED_MOVED; i++)
		r = cover_all(step);
	return r == COVERED_MOVED ? -EACCES : r;
}
