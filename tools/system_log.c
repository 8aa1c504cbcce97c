/* SPDX-License-Identifier: BSD-3-Clause OR GPL-2.0-or-later */
#include "tools/system_log.h"

#include "common/error.h"

#include <paths.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <syslog.h>

/* syslog(3) does not say whether there is anybody: so the socket is tried, of both types that daemons have there. */
static int try_log(int type)
{
	const struct sockaddr_un address = { .sun_family = AF_UNIX, .sun_path = _PATH_LOG };
	_cleanup_close_ int fd = socket(AF_UNIX, type | SOCK_CLOEXEC, 0);

	if (fd < 0 || connect(fd, (const struct sockaddr *)&address, sizeof(address)) < 0)
		return negative_errno();
	return 0;
}

int system_log_open(struct system_log *ret, const char *identifier)
{
	int r;

	*ret = (struct system_log){ .identifier = identifier,
				    .journal = journal_open(true),
				    .audit = kernel_audit_open() };
	/* in any case: for what the journal does not take */
	openlog(identifier, LOG_PID | LOG_NDELAY, LOG_AUTHPRIV);
	r = try_log(SOCK_DGRAM);
	return r == -EPROTOTYPE ? try_log(SOCK_STREAM) : r;
}

void system_log_write(const struct system_log *log, struct log_entry entry)
{
	if (!journal_send(&log->journal, log->identifier, "", &entry))
		syslog(entry.priority, "%s", log_entry_line(&entry));
	log_entry_release(&entry);
}

void system_log_audit(const struct system_log *log, const struct audit_event *event)
{
	int r = kernel_audit_send(&log->audit, event);

	if (r < 0)
		(void)fprintf(stderr, "%s: there is no audit record of this: %s\n", log->identifier, strerror(-r));
}

void system_log_close(struct system_log *log)
{
	kernel_audit_close(&log->audit);
	journal_close(&log->journal);
	closelog();
}
