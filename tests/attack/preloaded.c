/* SPDX-License-Identifier: BSD-3-Clause OR GPL-2.0-or-later */
/* What bob would have a privileged process load: leaves a file that belongs to whom the process ran as. */
#include <fcntl.h>
#include <unistd.h>

static void leave_mark(void) __attribute__((constructor));

static void leave_mark(void)
{
	int fd = open("/home/bob/loaded", O_WRONLY | O_CREAT | O_CLOEXEC, 0600);

	if (fd >= 0)
		close(fd);
}
