/* SPDX-License-Identifier: BSD-3-Clause OR GPL-2.0-or-later */
#include "session/journal.h"

#include "common/clock.h"
#include "session/log_text.h"
#include "session/protocol.h"

#include <paths.h>
#include <poll.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <syslog.h>

#define JOURNAL_LOG "/run/systemd/journal/dev-log" /* where _PATH_LOG leads when the journal has the log */

/* How long a queue that is full is waited for, of which any user can see to it that it is. */
#define FULL_MS 500

static const struct sockaddr_un address = { .sun_family = AF_UNIX, .sun_path = "/run/systemd/journal/socket" };

static bool has_the_log(void)
{
	char target[sizeof(JOURNAL_LOG)];
	const ssize_t length = readlink(_PATH_LOG, target, sizeof(target));

	return length == (ssize_t)strlen(JOURNAL_LOG) && memcmp(target, JOURNAL_LOG, strlen(JOURNAL_LOG)) == 0;
}

struct journal journal_open(void)
{
	struct journal journal = { .fd = -1 };

	if (has_the_log())
		journal.fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (journal.fd >= 0 && connect(journal.fd, (const struct sockaddr *)&address, sizeof(address)) < 0)
		journal_close(&journal);
	return journal;
}

static char *text_of(const char *identifier, const char *prefix, const struct log_entry *entry)
{
	char *text;

	/* no value has a newline, log_text.h: so each is in the form that ends with one */
	if (!entry->line || !entry->fields ||
	    asprintf(&text, "MESSAGE=%s%s\nMESSAGE_ID=%s\nPRIORITY=%u\nSYSLOG_FACILITY=%u\nSYSLOG_IDENTIFIER=%s\n%s",
		     prefix, entry->line, entry->kind->message_id, (unsigned)LOG_PRI(entry->priority),
		     (unsigned)LOG_FAC(LOG_AUTHPRIV), log_word(identifier).text, entry->fields) < 0)
		return NULL;
	return text;
}

/*
 * In time to get into a queue that others keep full: what is left to syslog(3) has no fields, under su(1) it is by its
 * caller's uid, and waits for the same daemon as long as that takes.
 */
static bool send_in_time(int fd, const struct msghdr *message)
{
	const int64_t deadline = now_ms() + FULL_MS;

	for (;;) {
		struct pollfd poller = { .fd = fd, .events = POLLOUT };
		int64_t left;

		if (sendmsg(fd, message, MSG_NOSIGNAL) >= 0)
			return true;
		left = deadline - now_ms();
		if (errno != EAGAIN || left <= 0 || poll_until(&poller, 1, (int)left) <= 0)
			return false;
	}
}

bool journal_send(const struct journal *journal, const char *identifier, const char *prefix,
		  const struct log_entry *entry)
{
	_cleanup_free_ char *text = journal->fd < 0 ? NULL : text_of(identifier, prefix, entry);
	const struct ucred sender = { .pid = getpid() };
	struct iovec part = { .iov_base = text, .iov_len = text ? strlen(text) : 0 };
	union {
		struct cmsghdr header;
		char space[CMSG_SPACE(sizeof(sender))];
	} control = { .header = { CMSG_LEN(sizeof(sender)), SOL_SOCKET, SCM_CREDENTIALS } };
	struct msghdr message = {
		.msg_iov = &part,
		.msg_iovlen = 1,
		.msg_control = &control,
		.msg_controllen = sizeof(control),
	};

	memcpy(CMSG_DATA(&control.header), &sender, sizeof(sender));
	return text && send_in_time(journal->fd, &message);
}

void journal_close(struct journal *journal)
{
	journal->fd = close_fd(journal->fd);
}
