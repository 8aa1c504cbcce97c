/* SPDX-License-Identifier: BSD-3-Clause OR GPL-2.0-or-later */
#include "tools/audit_summary.h"

#include "common/error.h"
#include "common/read_whole.h"
#include "common/replace_file.h"
#include "session/record_store.h"

#include <fcntl.h>
#include <inttypes.h>
#include <string.h>
#include <sys/stat.h>

#define SUMMARY_MAX (16 * 1024) /* bytes */
#define KEY_VERSION "nsisolate-audit"
#define VERSION     1

void audit_summary_add(struct audit_summary *summary, const struct findings *findings)
{
	for (size_t i = 0; i < findings->count; i++)
		summary->counts[findings->items[i].code].known++;
}

void audit_summary_mark_new(struct audit_summary *summary, const struct findings *findings)
{
	for (size_t i = 0; i < findings->count; i++) {
		struct audit_count *count = &summary->counts[findings->items[i].code];

		count->new ++;
		count->known--;
	}
}

static char *format(const struct audit_summary *summary, size_t *ret_size)
{
	_cleanup_free_ char *text = NULL;
	FILE *out = open_memstream(&text, ret_size);

	if (!out)
		return NULL;
	(void)fprintf(out, KEY_VERSION "=%d\ntime=%" PRId64 "\nduration-ms=%" PRIu64 "\n", VERSION, summary->time,
		      summary->duration_ms);
	for (size_t i = 0; i < FINDING_CODES; i++) {
		const struct audit_count *count = &summary->counts[i];

		if (count->new + count->known > 0)
			(void)fprintf(out, "%s=%" PRIu64 " %" PRIu64 "\n", finding_kinds[i].code, count->new,
				      count->known);
	}
	return fclose(out) == 0 ? TAKE_PTR(text) : NULL;
}

int audit_summary_write(const struct audit_summary *summary)
{
	_cleanup_close_ int root = own_directory_open(AT_FDCWD, RECORD_ROOT, 0755);
	_cleanup_free_ char *text = NULL;
	size_t size = 0;

	if (root < 0)
		return root;
	text = format(summary, &size);
	return text ? replace_file(AUDIT_SUMMARY, text, size, 0600) : -ENOMEM;
}

/* A decimal number alone, up to `end`. */
static bool parse_number(const char *text, char end, uint64_t *ret, const char **ret_rest)
{
	char *rest;

	if (*text < '0' || *text > '9')
		return false;
	errno = 0;
	*ret = strtoull(text, &rest, 10);
	*ret_rest = rest + 1;
	return errno == 0 && *rest == end;
}

static bool parse_finding(const char *key, const char *value, struct audit_summary *summary)
{
	for (size_t i = 0; i < FINDING_CODES; i++) {
		struct audit_count *count = &summary->counts[i];

		if (strcmp(key, finding_kinds[i].code) == 0)
			return parse_number(value, ' ', &count->new, &value) &&
			       parse_number(value, '\0', &count->known, &value);
	}
	return false;
}

static bool parse_line(char *line, struct audit_summary *summary)
{
	const char *key = strsep(&line, "=");
	uint64_t number = 0;

	if (!line)
		return false;
	if (strcmp(key, KEY_VERSION) == 0)
		return parse_number(line, '\0', &number, (const char **)&line) && number == VERSION;
	if (strcmp(key, "duration-ms") == 0)
		return parse_number(line, '\0', &summary->duration_ms, (const char **)&line);
	if (strcmp(key, "time") == 0) {
		if (!parse_number(line, '\0', &number, (const char **)&line) || number > INT64_MAX)
			return false;
		summary->time = (int64_t)number;
		return true;
	}
	return parse_finding(key, line, summary);
}

static int parse(char *text, struct audit_summary *ret)
{
	struct audit_summary summary = { 0 };
	char *line;

	if (strncmp(text, KEY_VERSION "=", sizeof(KEY_VERSION)) != 0)
		return -EBADMSG;
	while ((line = strsep(&text, "\n")))
		if (*line && !parse_line(line, &summary))
			return -EBADMSG;
	*ret = summary;
	return 0;
}

int audit_summary_read(struct audit_summary *ret)
{
	_cleanup_close_ int fd = open(AUDIT_SUMMARY, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
	_cleanup_free_ char *text = NULL;
	struct stat status;
	size_t size;
	int r;

	if (fd < 0 || fstat(fd, &status) < 0)
		return negative_errno();
	if (!S_ISREG(status.st_mode) || status.st_uid != 0 || (status.st_mode & 022))
		return -EPERM;
	r = read_whole(fd, SUMMARY_MAX, &text, &size);
	if (r < 0)
		return r;
	return strlen(text) == size ? parse(text, ret) : -EBADMSG;
}
