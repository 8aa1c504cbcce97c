/* SPDX-License-Identifier: BSD-3-Clause OR GPL-2.0-or-later */
#include "session/loopback.h"

#include <net/if.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>

int loopback_up(const struct step *step)
{
	_cleanup_close_ int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	struct ifreq request = { 0 };

	if (fd < 0)
		return -errno;
	if (strlen(step->target) >= sizeof(request.ifr_name))
		return -ENAMETOOLONG;
	(void)stpcpy(request.ifr_name, step->target);
	/* of a network that nobody else has had: it has no other flag that could be set, netdevice(7) */
	request.ifr_flags = IFF_UP;
	return ioctl(fd, SIOCSIFFLAGS, &request) < 0 ? -errno : 0;
}
