/* SPDX-License-Identifier: BSD-3-Clause OR GPL-2.0-or-later */
#include "session/netlink.h"

#include <fcntl.h>
#include <linux/netlink.h>
#include <sched.h>
#include <string.h>
#include <sys/socket.h>

int netlink_open(int bus, struct netlink *ret)
{
	int on = 1;

	*ret = (struct netlink){ .socket = mnl_socket_open2(bus, SOCK_CLOEXEC) };
	if (!ret->socket)
		return -errno;
	if (mnl_socket_bind(ret->socket, 0, MNL_SOCKET_AUTOPID) < 0) {
		int r = -errno;

		netlink_close(ret);
		return r;
	}
	/* for `reason` alone: kernels before 4.12 have none */
	(void)mnl_socket_setsockopt(ret->socket, NETLINK_EXT_ACK, &on, sizeof(on));
	return 0;
}

int netlink_open_in(int network_namespace, int bus, struct netlink *ret)
{
	_cleanup_close_ int own = open("/proc/self/ns/net", O_RDONLY | O_CLOEXEC);
	int r;

	if (own < 0)
		return -errno;
	if (setns(network_namespace, CLONE_NEWNET) < 0)
		return -errno;
	r = netlink_open(bus, ret);
	if (setns(own, CLONE_NEWNET) < 0) {
		int error = -errno;

		if (r == 0)
			netlink_close(ret);
		return error;
	}
	return r;
}

void netlink_close(struct netlink *netlink)
{
	int saved = errno;

	if (netlink->socket)
		(void)mnl_socket_close(netlink->socket);
	netlink->socket = NULL;
	errno = saved;
}

struct nlmsghdr *netlink_request(void *buffer, uint16_t type, uint16_t flags)
{
	struct nlmsghdr *request = mnl_nlmsg_put_header(buffer);

	request->nlmsg_type = type;
	request->nlmsg_flags = (uint16_t)(NLM_F_REQUEST | flags);
	return request;
}

const struct nlattr *netlink_next(const void *from, size_t size, const struct nlattr *before)
{
	const struct nlattr *next = before ? mnl_attr_next(before) : from;

	return mnl_attr_ok(next, (int)((const char *)from + size - (const char *)next)) ? next : NULL;
}

static int find_reason(const struct nlattr *attribute, void *data)
{
	const char **reason = data;

	if (mnl_attr_get_type(attribute) == NLMSGERR_ATTR_MSG && mnl_attr_validate(attribute, MNL_TYPE_NUL_STRING) >= 0)
		*reason = mnl_attr_get_str(attribute);
	return MNL_CB_OK;
}

/* Behind the error is the request, whole unless NLM_F_CAPPED, and then the attributes of an extended acknowledgement.
 */
static void keep_reason(struct netlink *netlink, const struct nlmsghdr *message)
{
	const struct nlmsgerr *error = mnl_nlmsg_get_payload(message);
	unsigned offset = sizeof(*error);
	const char *reason = NULL;

	if (message->nlmsg_type != NLMSG_ERROR || !(message->nlmsg_flags & NLM_F_ACK_TLVS))
		return;
	if (!(message->nlmsg_flags & NLM_F_CAPPED))
		offset += (unsigned)(error->msg.nlmsg_len - sizeof(error->msg));
	if (mnl_nlmsg_get_payload_len(message) <= offset)
		return;
	(void)mnl_attr_parse(message, offset, find_reason, &reason);
	if (reason)
		(void)snprintf(netlink->reason, sizeof(netlink->reason), "%s", reason);
}

int netlink_ask(struct netlink *netlink, struct nlmsghdr *request, mnl_cb_t each, void *data)
{
	const unsigned port = mnl_socket_get_portid(netlink->socket);
	/* of a dump the kernel sends at most this much at a time */
	_Alignas(struct nlmsghdr) char buffer[32768];
	int r;

	/* an answer of one message is followed by the acknowledgement; a dump has its own end, and none */
	request->nlmsg_flags |= NLM_F_ACK;
	request->nlmsg_seq = ++netlink->sequence;
	netlink->reason[0] = '\0';
	if (mnl_socket_sendto(netlink->socket, request, request->nlmsg_len) < 0)
		return -errno;
	do {
		ssize_t size = mnl_socket_recvfrom(netlink->socket, buffer, sizeof(buffer));

		if (size < 0)
			return -errno;
		r = mnl_cb_run(buffer, (size_t)size, netlink->sequence, port, each, data);
		if (r < 0) {
			r = -errno;
			keep_reason(netlink, (const struct nlmsghdr *)buffer);
			return r;
		}
	} while (r > 0);
	return 0;
}

int netlink_do(struct netlink *netlink, struct nlmsghdr *request)
{
	return netlink_ask(netlink, request, NULL, NULL);
}
