/* SPDX-License-Identifier: BSD-3-Clause OR GPL-2.0-or-later */
#include "tools/caller.h"

#include <inttypes.h>
#include <limits.h>
#include <pwd.h>

uid_t caller_uid(void)
{
	_cleanup_(fclosep) FILE *file = fopen("/proc/self/loginuid", "re");
	unsigned login = UINT_MAX;

	if (file && fscanf(file, "%u", &login) != 1)
		login = UINT_MAX;
	return login == UINT_MAX ? getuid() : login;
}

struct log_word caller_name(void)
{
	const uid_t uid = caller_uid();
	const struct passwd *entry = getpwuid(uid);
	char number[3 * sizeof(uid) + 1];

	if (entry)
		return log_word(entry->pw_name);
	(void)snprintf(number, sizeof(number), "%ju", (uintmax_t)uid);
	return log_word(number);
}

struct log_word caller_terminal(void)
{
	char name[64] = "";

	/* standard streams alone: /dev/tty does not say which one it is */
	for (int fd = STDIN_FILENO; fd <= STDERR_FILENO; fd++)
		if (ttyname_r(fd, name, sizeof(name)) == 0)
			return log_word(name);
	return log_word("");
}
