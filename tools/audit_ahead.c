/* SPDX-License-Identifier: BSD-3-Clause OR GPL-2.0-or-later */
#include "tools/audit_ahead.h"

#include "common/error.h"
#include "common/read_whole.h"
#include "common/write_whole.h"
#include "tools/shared_work.h"

#include <string.h>
#include <sys/mman.h>

#define ROOM_MAX ((size_t)64 * 1024 * 1024) /* bytes of findings */

enum progress { PROGRESS_NONE, PROGRESS_DONE, PROGRESS_GIVEN_UP };

/* Shared with the child. */
struct told {
	size_t size;        /* bytes of the file that are whole: a child that is killed may have begun to write more */
	uint8_t progress[]; /* an enum progress a session */
};

struct audit_ahead {
	size_t shared_size;
	struct told *told;
	int file; /* a head and its texts for each finding, those of a session at once */
};

struct head {
	struct finding finding; /* its texts are behind it, each with its '\0' */
	size_t session;
	size_t size;
	bool has_user;
};

int audit_ahead_new(size_t sessions, struct audit_ahead **ret)
{
	struct audit_ahead *ahead = calloc(1, sizeof(*ahead));
	int r;

	if (!ahead)
		return -ENOMEM;
	ahead->shared_size = sizeof(struct told) + sessions;
	ahead->told = shared_memory_new(ahead->shared_size);
	ahead->file = memfd_create("findings", MFD_CLOEXEC);
	if (!ahead->told || ahead->file < 0) {
		r = ahead->told ? negative_errno() : -ENOMEM;
		audit_ahead_free(ahead);
		return r;
	}
	*ret = ahead;
	return 0;
}

struct audit_ahead *audit_ahead_free(struct audit_ahead *ahead)
{
	if (ahead) {
		shared_memory_free(ahead->told, ahead->shared_size);
		close_fd(ahead->file);
		free(ahead);
	}
	return NULL;
}

static void put(FILE *out, size_t session, const struct finding *finding)
{
	const char *user = finding->user ? finding->user : "";
	const struct head head = {
		.finding = *finding,
		.session = session,
		.size = strlen(finding->subject) + strlen(user) + strlen(finding->seen) + 3,
		.has_user = finding->user != NULL,
	};

	(void)fwrite(&head, sizeof(head), 1, out);
	(void)fwrite(finding->subject, strlen(finding->subject) + 1, 1, out);
	(void)fwrite(user, strlen(user) + 1, 1, out);
	(void)fwrite(finding->seen, strlen(finding->seen) + 1, 1, out);
}

void audit_ahead_tell(struct audit_ahead *ahead, size_t session, const struct findings *findings)
{
	_cleanup_free_ char *bytes = NULL;
	size_t size = 0;
	FILE *out = findings->count > 0 ? open_memstream(&bytes, &size) : NULL;

	if (findings->count > 0 && !out)
		return;
	for (size_t i = 0; i < findings->count; i++)
		put(out, session, &findings->items[i]);
	if (out &&
	    (fclose(out) != 0 || size > ROOM_MAX - ahead->told->size ||
	     lseek(ahead->file, (off_t)ahead->told->size, SEEK_SET) < 0 || write_whole(ahead->file, bytes, size) < 0))
		return;
	ahead->told->size += size;
	ahead->told->progress[session] = PROGRESS_DONE;
}

static int add(const struct head *head, const char *texts, struct findings *findings)
{
	const char *user = texts + strlen(texts) + 1;
	const char *seen = user + strlen(user) + 1;
	const struct subject subject = {
		.text = texts,
		.user = head->has_user ? user : NULL,
		.pid = head->finding.pid,
		.start = head->finding.start,
		.since = head->finding.since,
	};

	return findings_add(findings, head->finding.code, &subject, "%s", seen);
}

int audit_ahead_take(const struct audit_ahead *ahead, struct findings *findings)
{
	_cleanup_free_ char *bytes = NULL;
	struct head head;
	size_t size = 0;
	int r = read_head(ahead->file, ahead->told->size, &bytes, &size);

	for (size_t at = 0; r == 0 && size - at >= sizeof(head); at += sizeof(head) + head.size) {
		memcpy(&head, bytes + at, sizeof(head));
		/* of one that is not done all is looked at again */
		if (ahead->told->progress[head.session] == PROGRESS_DONE)
			r = add(&head, bytes + at + sizeof(head), findings);
	}
	return r;
}

bool audit_ahead_is_done(const struct audit_ahead *ahead, size_t session)
{
	return ahead->told->progress[session] != PROGRESS_NONE;
}

void audit_ahead_give_up(struct audit_ahead *ahead, size_t session)
{
	ahead->told->progress[session] = PROGRESS_GIVEN_UP;
}
