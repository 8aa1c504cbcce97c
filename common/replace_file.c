/* SPDX-License-Identifier: BSD-3-Clause OR GPL-2.0-or-later */
#include "common/replace_file.h"

#include "common/error.h"
#include "common/write_whole.h"

#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>

/* "DIR/.NAME.XXXXXX": what looks for names with an ending of its own passes over it. */
static char *hidden_name(const char *path)
{
	const char *slash = strrchr(path, '/');
	const char *name = slash ? slash + 1 : path;
	char *hidden;

	return asprintf(&hidden, "%.*s.%s.XXXXXX", (int)(name - path), path, name) < 0 ? NULL : hidden;
}

int replace_file(const char *path, const char *bytes, size_t size, mode_t mode)
{
	_cleanup_free_ char *hidden = hidden_name(path);
	_cleanup_close_ int fd = -1;
	int r;

	if (!hidden)
		return -ENOMEM;
	fd = mkostemp(hidden, O_CLOEXEC);
	if (fd < 0)
		return negative_errno();
	r = write_whole(fd, bytes, size);
	if (r == 0 && fchmod(fd, mode) < 0)
		r = negative_errno();
	if (r == 0 && rename(hidden, path) < 0)
		r = negative_errno();
	if (r < 0)
		(void)unlink(hidden);
	return r;
}
