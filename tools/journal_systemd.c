/* SPDX-License-Identifier: BSD-3-Clause OR GPL-2.0-or-later */
#include "tools/journal.h"

#include "common/cleanup.h"

#include <dlfcn.h>
#include <string.h>
#include <sys/syslog.h>
#include <sys/uio.h>

/* one that names the place in the source is no use to an administrator */
#define SD_JOURNAL_SUPPRESS_LOCATION
#include <systemd/sd-journal.h>

/* For this alone all that libsystemd needs would be loaded by every command: it is when there is something to send. */
#define LIBRARY "libsystemd.so.0"

/* sd_journal_sendv(3) is content where no journal runs: then nobody has the line. */
#define SOCKET "/run/systemd/journal/socket"

static struct iovec iovec_of(char *text)
{
	return (struct iovec){ .iov_base = text, .iov_len = text ? strlen(text) : 0 };
}

static int send_parts(const struct iovec *parts, int count)
{
	void *library = dlopen(LIBRARY, RTLD_NOW | RTLD_LOCAL);
	__typeof__(sd_journal_sendv) *send = NULL;
	int r = -ENOSYS;

	if (!library)
		return r;
	/* a function through a pointer to an object: dlsym(3) */
	*(void **)&send = dlsym(library, "sd_journal_sendv");
	if (send)
		r = send(parts, count);
	(void)dlclose(library);
	return r;
}

bool journal_send(int priority, const char *message, char *const *fields, size_t count)
{
	_cleanup_free_ struct iovec *parts = calloc(count + 4, sizeof(*parts));
	_cleanup_free_ char *text = NULL;
	char urgency[sizeof("PRIORITY=0")];
	char facility[sizeof("SYSLOG_FACILITY=10")];

	if (!parts || access(SOCKET, W_OK) < 0)
		return false;
	if (asprintf(&text, "MESSAGE=%s", message) < 0) {
		text = NULL;
		return false;
	}
	(void)snprintf(urgency, sizeof(urgency), "PRIORITY=%u", (unsigned)LOG_PRI(priority));
	(void)snprintf(facility, sizeof(facility), "SYSLOG_FACILITY=%u", (unsigned)LOG_FAC(LOG_AUTHPRIV));
	parts[0] = iovec_of(text);
	parts[1] = iovec_of(urgency);
	parts[2] = iovec_of(facility);
	parts[3] = iovec_of((char *)"SYSLOG_IDENTIFIER=nsinspect");
	for (size_t i = 0; i < count; i++)
		parts[4 + i] = iovec_of(fields[i]);
	return send_parts(parts, (int)count + 4) == 0;
}
