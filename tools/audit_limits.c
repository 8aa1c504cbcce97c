/* SPDX-License-Identifier: BSD-3-Clause OR GPL-2.0-or-later */

/* Limits of the kernel at which logins are refused. */

#include "tools/audit.h"

#include "common/read_whole.h"

#include <fcntl.h>
#include <inttypes.h>
#include <string.h>

#define NEAR_SHARE 5 /* near is when less than one part in so many is left */

bool audit_sysctl_read(const char *directory, const char *name, uint64_t *ret)
{
	_cleanup_close_ int fd = open(directory, O_PATH | O_DIRECTORY | O_CLOEXEC);
	_cleanup_close_ int file = fd < 0 ? -1 : openat(fd, name, O_RDONLY | O_CLOEXEC);
	_cleanup_free_ char *text = NULL;
	size_t size;

	return file >= 0 && read_head(file, 64, &text, &size) == 0 && sscanf(text, "%" SCNu64, ret) == 1;
}

static int judge(struct look *look, const char *name, uint64_t used, const char *what)
{
	const struct subject subject = { .text = name };
	uint64_t limit;

	if (used == 0 || !audit_sysctl_read(look->audit->sysctl_directory, name, &limit) ||
	    used < limit - limit / NEAR_SHARE)
		return 0;
	return findings_add(&look->findings, FINDING_LIMIT, &subject, "%ju %s, and the limit is %ju", (uintmax_t)used,
			    what, (uintmax_t)limit);
}

/* Those of the initial user namespace, which the helper makes, are counted there for root. */
static int judge_namespaces(struct look *look, enum namespace_kind kind)
{
	char name[64], what[64];
	uint64_t used = 0;

	for (size_t i = 0; i < look->sessions.count; i++)
		used += session_is_alive(look->sessions.items[i]) && look->sessions.items[i]->apart[kind];
	(void)snprintf(name, sizeof(name), "user/max_%s_namespaces", namespace_table[kind].name);
	(void)snprintf(what, sizeof(what), "%s namespaces of live sessions", namespace_table[kind].name);
	return judge(look, name, used, what);
}

/* "0.20 0.18 0.12 1/80 11206": the second of the fourth is the number of threads, proc_loadavg(5). */
static uint64_t count_threads(void)
{
	_cleanup_close_ int fd = open("/proc/loadavg", O_RDONLY | O_CLOEXEC);
	_cleanup_free_ char *text = NULL;
	uint64_t threads = 0;
	size_t size;

	if (fd < 0 || read_head(fd, 256, &text, &size) < 0 || sscanf(text, "%*s %*s %*s %*u/%" SCNu64, &threads) != 1)
		return 0;
	return threads;
}

int audit_limits(struct look *look)
{
	int r = 0;

	for (enum namespace_kind kind = 0; r == 0 && kind < NAMESPACE_KINDS; kind++)
		r = judge_namespaces(look, kind);
	if (r == 0)
		r = judge(look, "kernel/pid_max", count_threads(), "threads");
	return r == 0 ? judge(look, "fs/mount-max", look->mounts.count,
			      "mounts of the host, of which a session has a copy")
		      : r;
}
