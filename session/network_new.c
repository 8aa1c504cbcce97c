/* SPDX-License-Identifier: BSD-3-Clause OR GPL-2.0-or-later */
#include "session/network_new.h"

#include "common/error.h"
#include "session/init.h"
#include "session/protocol.h"

#include <fcntl.h>
#include <linux/nsfs.h>
#include <sched.h>
#include <string.h>
#include <sys/ioctl.h>

#define NETWORK_OF_SELF "/proc/self/ns/net"

/* While namespaces are torn down by the thousand, the kernel makes the others wait for a good part of a second. */
#define NETWORK_MS 20000

/* ioctl_nsfs(2): the kernel tells of a user namespace only within one's own. */
int network_new_home(void)
{
	_cleanup_close_ int home = open(NETWORK_OF_SELF, O_RDONLY | O_CLOEXEC);
	_cleanup_close_ int owner = home < 0 ? -1 : ioctl(home, NS_GET_USERNS);

	return owner < 0 ? negative_errno() : TAKE_FD(home);
}

int network_new_make(int home)
{
	_cleanup_close_ int network = -1;

	if (unshare(CLONE_NEWNET) < 0)
		return negative_errno();
	network = open(NETWORK_OF_SELF, O_RDONLY | O_CLOEXEC);
	if (network < 0)
		return negative_errno();
	if (setns(home, CLONE_NEWNET) < 0)
		return negative_errno();
	return TAKE_FD(network);
}

int network_new_send(int init, int network)
{
	_cleanup_(message_release) struct message message = { 0 };

	message_put(&message, INIT_NETWORK);
	return message_send(init, &message, &network, 1);
}

int network_new_enter(int helper)
{
	_cleanup_(message_release) struct message message = { 0 };
	_cleanup_close_ int network = -1;
	struct message_reader reader;
	size_t fds = 1;
	int r = message_receive(helper, NETWORK_MS, &message, &network, &fds);

	if (r < 0)
		return r;
	reader = message_read(&message);
	if (fds != 1 || strcmp(message_get(&reader), INIT_NETWORK) != 0)
		return -EPROTO;
	return setns(network, CLONE_NEWNET) < 0 ? negative_errno() : 0;
}
