/* SPDX-License-Identifier: BSD-3-Clause OR GPL-2.0-or-later */
#include "session/owner_stat.h"

#include <errno.h>
#include <stddef.h>

/* Of a session's init of one's own, which is given it before it does its steps; of every other process NULL. */
static owner_ask *outside;

void owner_stat_ask(owner_ask *ask)
{
	outside = ask;
}

int owner_stat(int fd, struct stat *ret)
{
	int r;

	if (fstat(fd, ret) < 0)
		return -1;
	r = outside ? outside(fd, &ret->st_uid) : 0;
	if (r == 0)
		return 0;
	errno = -r;
	return -1;
}
