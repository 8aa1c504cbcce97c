/* SPDX-License-Identifier: BSD-3-Clause OR GPL-2.0-or-later */
/* What a policy needs of this host. */
#include "session/syscalls.h"
#include "tools/lint_private.h"

#include <string.h>

/* An empty directory holds no other: what is private below a private one cannot be mounted. */
static const char *private_above(const struct policy *policy, const char *path)
{
	for (size_t i = 0; i < policy->mount.private_count; i++) {
		const char *above = policy->mount.private[i].path;
		size_t length = strlen(above);

		if (strncmp(path, above, length) == 0 && path[length] == '/')
			return above;
	}
	return NULL;
}

static const char *why_not_mounted(int error)
{
	switch (error) {
	case -ENOENT:
		return "there is no such directory on this host";
	case -ENOTDIR:
		return "it is no directory on this host";
	case -ELOOP:
		return "a symbolic link leads there on this host, and none is followed";
	default:
		return NULL;
	}
}

/* As the session's init will open it. What cannot be known as whoever runs this (EACCES) is passed over. */
static void check_private(const struct policy *policy, const struct private_directory *directory,
			  struct diagnostics *diag)
{
	const char *above = private_above(policy, directory->path), *why;
	const char *file = directory->origin.file ? directory->origin.file : policy->file;
	_cleanup_close_ int fd = -1;

	if (above) {
		diagnostics_add(diag, SEVERITY_WARNING, file, directory->origin.line,
				"mount.private \"%s\": it is within \"%s\", which is empty in a session; every login "
				"would be refused",
				directory->path, above);
		return;
	}
	if (strchr(directory->path, '%'))
		return;
	fd = open_directory_nofollow(directory->path);
	why = fd < 0 ? why_not_mounted(fd) : NULL;
	if (why)
		diagnostics_add(diag, SEVERITY_WARNING, file, directory->origin.line,
				"mount.private \"%s\": %s; every login would be refused", directory->path, why);
}

void lint_host(const struct policy *policy, struct diagnostics *diag)
{
	if (policy->mode != MODE_ENFORCE)
		return;
	for (size_t i = 0; i < policy->mount.private_count; i++)
		check_private(policy, &policy->mount.private[i], diag);
}
