/* SPDX-License-Identifier: BSD-3-Clause OR GPL-2.0-or-later */
#include "tools/audit_plain.h"

#include "session/process.h"
#include "tools/process_info.h"

#include <fcntl.h>
#include <string.h>

#define INIT_NAME   "Name:\t" AUDIT_INIT_NAME "\n"
#define STATUS_ROOM 8192

bool audit_is_named_init(const char *status)
{
	return strncmp(status, INIT_NAME, strlen(INIT_NAME)) == 0;
}

/* In those kinds in which a session is not; mounts first, in which nearly every process of a session is elsewhere. */
static bool is_on_host(int process, const uint64_t host[NAMESPACE_KINDS], const bool telling[NAMESPACE_KINDS])
{
	_cleanup_close_ int directory = openat(process, "ns", O_PATH | O_DIRECTORY | O_CLOEXEC);

	for (enum namespace_kind kind = 0; directory >= 0 && kind < NAMESPACE_KINDS; kind++) {
		uint64_t inode = 0;

		if (telling[kind] && kind != NAMESPACE_PID &&
		    (process_namespace_in(directory, kind, &inode) < 0 || inode != host[kind]))
			return false;
	}
	return directory >= 0;
}

/* proc_pid_status(5). A PID in one PID namespace only is one in that of /proc itself, which is that of its PID 1. */
static bool is_roots(const char *status)
{
	const char *state = process_status_value(status, "\nState:\t");
	const char *uids = state ? process_status_value(state, "\nUid:\t") : NULL;
	const char *levels = uids ? process_status_value(uids, "\nNSpid:\t") : NULL;

	return levels && !process_has_ended(*state) && uids[0] == '0' && uids[1] == '\t' &&
	       levels[strspn(levels, "0123456789")] == '\n';
}

static bool reads_as_roots(int process)
{
	char status[STATUS_ROOM];
	_cleanup_close_ int fd = openat(process, "status", O_RDONLY | O_NOFOLLOW | O_CLOEXEC);
	ssize_t size = fd < 0 ? -1 : read(fd, status, sizeof(status) - 1);

	if (size < 0)
		return false;
	status[size] = '\0';
	return is_roots(status) && !audit_is_named_init(status);
}

static int stop(const struct session *session, const char *name, void *data)
{
	(void)session;
	(void)name;
	(void)data;
	return 1;
}

bool audit_is_plain(pid_t pid, const uint64_t host[NAMESPACE_KINDS], const bool telling[NAMESPACE_KINDS],
		    const struct holdings *holdings)
{
	_cleanup_close_ int process = process_open(pid);

	return process >= 0 && is_on_host(process, host, telling) && reads_as_roots(process) &&
	       holdings_visit_open(holdings, process, stop, NULL) == 0;
}
