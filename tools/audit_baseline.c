/* SPDX-License-Identifier: BSD-3-Clause OR GPL-2.0-or-later */
#include "tools/audit_baseline.h"

#include "common/error.h"
#include "common/read_whole.h"
#include "config/problem.h"
#include "config/text_list.h"

#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>

#define BASELINE_MAX (1024 * 1024)

/* "NSI001 alice:/usr/bin/sleep"; what is no visible ASCII, and the backslash, as \xNN. Malloced or NULL. */
static char *format_line(const struct finding *finding)
{
	_cleanup_free_ char *text = NULL;
	size_t size = 0;
	FILE *out = open_memstream(&text, &size);

	if (!out)
		return NULL;
	(void)fprintf(out, "%s ", finding_kinds[finding->code].code);
	for (const char *at = finding->subject; *at; at++) {
		unsigned char byte = (unsigned char)*at;

		if (byte > ' ' && byte < 0x7f && byte != '\\')
			(void)fputc(byte, out);
		else
			(void)fprintf(out, "\\x%02x", byte);
	}
	return fclose(out) == 0 ? TAKE_PTR(text) : NULL;
}

int audit_baseline_print(const struct findings *findings)
{
	_cleanup_free_ char *last = NULL;

	for (size_t i = 0; i < findings->count; i++) {
		_cleanup_free_ char *line = format_line(&findings->items[i]);

		if (!line)
			return -ENOMEM;
		if (last && strcmp(last, line) == 0)
			continue;
		(void)puts(line);
		free(last);
		last = TAKE_PTR(line);
	}
	return 0;
}

static int compare_lines(const void *a, const void *b)
{
	return strcmp(*(char *const *)a, *(char *const *)b);
}

struct lines {
	char **items;
	size_t count;
};

static bool is_unknown(const struct finding *finding, const void *data)
{
	const struct lines *lines = data;
	_cleanup_free_ char *line = format_line(finding);

	/* without memory it is shown */
	return !line || lines->count == 0 ||
	       !bsearch(&line, lines->items, lines->count, sizeof(*lines->items), compare_lines);
}

static bool has_form(const char *line)
{
	return strncmp(line, "NSI", 3) == 0 && strspn(line + 3, "0123456789") == 3 && line[6] == ' ' &&
	       line[7] != '\0' && !strchr(line + 7, ' ');
}

/* The lines are pieces of the text. */
static int split(const char *path, char *text, struct lines *lines, char **ret_problem)
{
	unsigned number = 0;
	char *line;

	while ((line = strsep(&text, "\n"))) {
		number++;
		if (*line == '\0' || *line == '#')
			continue;
		if (!has_form(line))
			return problem(ret_problem, -EINVAL,
				       "%s:%u: no line 'CODE SUBJECT', as --write-baseline prints them", path, number);

		char **items = reallocarray(lines->items, lines->count + 1, sizeof(*items));

		if (!items)
			return -ENOMEM;
		lines->items = items;
		items[lines->count++] = line;
	}
	if (lines->count > 1)
		qsort(lines->items, lines->count, sizeof(*lines->items), compare_lines);
	return 0;
}

static int read_file(const char *path, char **ret, char **ret_problem)
{
	_cleanup_close_ int fd = open(path, O_RDONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
	struct stat status;
	size_t size;
	int r;

	if (fd < 0 || fstat(fd, &status) < 0)
		return problem(ret_problem, negative_errno(), "%s: %s", path, strerror(errno));
	if (!S_ISREG(status.st_mode))
		return problem(ret_problem, -EINVAL, "%s: no regular file", path);
	if (status.st_uid != 0 || (status.st_mode & (S_IWGRP | S_IWOTH)))
		return problem(ret_problem, -EPERM,
			       "%s: others than root can write it, and could hide findings: chown root, chmod go-w",
			       path);
	r = read_whole(fd, BASELINE_MAX, ret, &size);
	if (r < 0)
		return problem(ret_problem, r, "%s: %s", path, strerror(-r));
	return strlen(*ret) == size ? 0 : problem(ret_problem, -EINVAL, "%s: no text file", path);
}

int audit_baseline_apply(const char *path, struct findings *findings, char **ret_problem)
{
	_cleanup_free_ char *text = NULL;
	struct lines lines = { 0 };
	int r = read_file(path, &text, ret_problem);

	if (r == 0)
		r = split(path, text, &lines, ret_problem);
	if (r == 0)
		findings_filter(findings, is_unknown, &lines);
	free(lines.items);
	return r;
}
