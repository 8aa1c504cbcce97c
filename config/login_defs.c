/* SPDX-License-Identifier: BSD-3-Clause OR GPL-2.0-or-later */
#include "config/decide.h"

#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>

#define UID_MIN_DEFAULT 1000
/* As Debian ships it the file has 12.5 kB, and every login reads it. */
#define BUFFER_SIZE 16384

/* What follows "UID_MIN" on a line: decimal, octal or hexadecimal, as shadow(5)'s tools read it. */
static int parse_uid(char *text, uid_t *ret)
{
	char *end;
	unsigned long number;

	text += strspn(text, " \t\"");
	text[strcspn(text, " \t\"\r\n")] = '\0';
	if (text[0] < '0' || text[0] > '9')
		return -EINVAL;
	errno = 0;
	number = strtoul(text, &end, 0);
	if (errno != 0 || *end != '\0' || number > UINT32_MAX - 1)
		return -EINVAL;
	*ret = (uid_t)number;
	return 0;
}

/* The last entry counts, as for useradd(8). */
static int read_uid_min(FILE *file, uid_t *ret)
{
	static const char key[] = "UID_MIN";
	_cleanup_free_ char *line = NULL;
	uid_t uid_min = UID_MIN_DEFAULT;
	size_t room = 0;

	while (getline(&line, &room, file) >= 0) {
		char *at = line + strspn(line, " \t");
		int r;

		if (strncmp(at, key, strlen(key)) != 0 || !strchr(" \t\r\n", at[strlen(key)]))
			continue;
		r = parse_uid(at + strlen(key), &uid_min);
		if (r < 0)
			return r;
	}
	if (ferror(file))
		return -EIO;
	*ret = uid_min;
	return 0;
}

int login_defs_uid_min(const char *path, uid_t *ret)
{
	_cleanup_close_ int fd = open(path, O_RDONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
	_cleanup_free_ char *buffer = NULL;
	_cleanup_(fclosep) FILE *file = NULL;
	struct stat st;

	if (fd < 0 && errno == ENOENT) {
		*ret = UID_MIN_DEFAULT;
		return 0;
	}
	if (fd < 0 || fstat(fd, &st) < 0)
		return -errno;
	if (!S_ISREG(st.st_mode))
		return -EINVAL;
	buffer = malloc(BUFFER_SIZE);
	file = buffer ? fdopen(fd, "r") : NULL;
	if (!file)
		return -errno;
	(void)TAKE_FD(fd);
	(void)setvbuf(file, buffer, _IOFBF, BUFFER_SIZE);
	return read_uid_min(file, ret);
}
