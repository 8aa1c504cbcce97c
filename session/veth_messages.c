/* SPDX-License-Identifier: BSD-3-Clause OR GPL-2.0-or-later */
#include "session/veth_messages.h"

#include "session/firewall_text.h"
#include "session/veth.h"

#include <linux/if_link.h>
#include <linux/ip.h>
#include <linux/neighbour.h>
#include <linux/rtnetlink.h>
#include <linux/veth.h>
#include <poll.h>
#include <string.h>
#include <sys/ioctl.h>

#define WAIT_TRIES 5000 /* of a millisecond */

/* A request about one interface. */
static struct nlmsghdr *about_link(void *buffer, uint16_t type, uint16_t flags, unsigned index, unsigned link_flags)
{
	struct nlmsghdr *request = netlink_request(buffer, type, flags);
	struct ifinfomsg *link = mnl_nlmsg_put_extra_header(request, sizeof(*link));

	link->ifi_index = (int)index;
	link->ifi_flags = link->ifi_change = link_flags;
	return request;
}

int veth_create(struct netlink *netlink, const char *name, int network_namespace, const struct veth_hardware *hardware)
{
	_Alignas(struct nlmsghdr) char buffer[NETLINK_MESSAGE_MAX];
	struct nlmsghdr *request = about_link(buffer, RTM_NEWLINK, NLM_F_CREATE | NLM_F_EXCL, 0, IFF_NOARP);
	struct nlattr *info, *data, *peer;
	struct ifinfomsg *link;

	mnl_attr_put_strz(request, IFLA_IFNAME, name);
	mnl_attr_put_u32(request, IFLA_GROUP, FIREWALL_GROUP);
	mnl_attr_put(request, IFLA_ADDRESS, HARDWARE_BYTES, hardware->host);
	info = mnl_attr_nest_start(request, IFLA_LINKINFO);
	mnl_attr_put_strz(request, IFLA_INFO_KIND, "veth");
	data = mnl_attr_nest_start(request, IFLA_INFO_DATA);
	peer = mnl_attr_nest_start(request, VETH_INFO_PEER);
	link = mnl_nlmsg_put_extra_header(request, sizeof(*link));
	link->ifi_flags = link->ifi_change = IFF_NOARP;
	mnl_attr_put_strz(request, IFLA_IFNAME, VETH_INSIDE);
	mnl_attr_put(request, IFLA_ADDRESS, HARDWARE_BYTES, hardware->inside);
	mnl_attr_put_u32(request, IFLA_NET_NS_FD, (uint32_t)network_namespace);
	mnl_attr_nest_end(request, peer);
	mnl_attr_nest_end(request, data);
	mnl_attr_nest_end(request, info);
	return netlink_do(netlink, request);
}

int veth_prepare(struct netlink *netlink, unsigned index)
{
	static const struct {
		uint16_t key;
		uint32_t value;
	} settings[] = {
		{ IPV4_DEVCONF_FORWARDING, 1 },       { IPV4_DEVCONF_RP_FILTER, 1 },
		{ IPV4_DEVCONF_ACCEPT_REDIRECTS, 0 }, { IPV4_DEVCONF_SEND_REDIRECTS, 0 },
		{ IPV4_DEVCONF_PROXY_ARP, 0 },        { IPV4_DEVCONF_ACCEPT_SOURCE_ROUTE, 0 },
		{ IPV4_DEVCONF_ROUTE_LOCALNET, 0 },
	};
	_Alignas(struct nlmsghdr) char buffer[NETLINK_MESSAGE_MAX];
	struct nlmsghdr *request = about_link(buffer, RTM_SETLINK, 0, index, 0);
	struct nlattr *families = mnl_attr_nest_start(request, IFLA_AF_SPEC), *family, *conf;

	family = mnl_attr_nest_start(request, AF_INET);
	conf = mnl_attr_nest_start(request, IFLA_INET_CONF);
	for (size_t i = 0; i < ELEMENTS(settings); i++)
		mnl_attr_put_u32(request, settings[i].key, settings[i].value);
	mnl_attr_nest_end(request, conf);
	mnl_attr_nest_end(request, family);
	/* a kernel without IPv6 does not know the family */
	if (access("/proc/sys/net/ipv6", F_OK) == 0 || errno != ENOENT) {
		family = mnl_attr_nest_start(request, AF_INET6);
		mnl_attr_put_u8(request, IFLA_INET6_ADDR_GEN_MODE, IN6_ADDR_GEN_MODE_NONE);
		mnl_attr_nest_end(request, family);
	}
	mnl_attr_nest_end(request, families);
	return netlink_do(netlink, request);
}

int veth_up(struct netlink *netlink, unsigned index)
{
	_Alignas(struct nlmsghdr) char buffer[NETLINK_MESSAGE_MAX];

	return netlink_do(netlink, about_link(buffer, RTM_SETLINK, 0, index, IFF_UP));
}

static int read_queue(const struct nlmsghdr *message, void *data)
{
	const void *from = mnl_nlmsg_get_payload_offset(message, sizeof(struct ifinfomsg));
	const size_t size = mnl_nlmsg_get_payload_len(message) - MNL_ALIGN(sizeof(struct ifinfomsg));
	const struct nlattr *attribute = NULL;

	while ((attribute = netlink_next(from, size, attribute)))
		if (mnl_attr_get_type(attribute) == IFLA_QDISC)
			*(bool *)data = strcmp(mnl_attr_get_str(attribute), "noop") != 0;
	return MNL_CB_OK;
}

int veth_wait(struct netlink *netlink, unsigned index)
{
	_Alignas(struct nlmsghdr) char buffer[NETLINK_MESSAGE_MAX];
	bool active = false;

	/* since Linux 6.8 the question itself has the kernel catch up */
	for (int i = 0; i < WAIT_TRIES; i++) {
		struct nlmsghdr *request = about_link(buffer, RTM_GETLINK, 0, index, 0);
		int r;

		mnl_attr_put_u32(request, IFLA_EXT_MASK, RTEXT_FILTER_SKIP_STATS);
		r = netlink_ask(netlink, request, read_queue, &active);
		if (r < 0 || active)
			return r;
		(void)poll(NULL, 0, 1);
	}
	return -ETIMEDOUT;
}

int veth_delete(struct netlink *netlink, unsigned index)
{
	_Alignas(struct nlmsghdr) char buffer[NETLINK_MESSAGE_MAX];

	return netlink_do(netlink, about_link(buffer, RTM_DELLINK, 0, index, 0));
}

int link_index(struct netlink *netlink, const char *name, unsigned *ret)
{
	struct ifreq request = { 0 };

	if (strlen(name) >= sizeof(request.ifr_name))
		return -ENAMETOOLONG;
	(void)stpcpy(request.ifr_name, name);
	/* netdevice(7): of the socket's namespace, whatever its family; RTM_GETLINK would wait for rtnl's lock */
	if (ioctl(mnl_socket_get_fd(netlink->socket), SIOCGIFINDEX, &request) < 0)
		return -errno;
	*ret = (unsigned)request.ifr_ifindex;
	return 0;
}

int address_add(struct netlink *netlink, unsigned index, const struct prefix *address)
{
	_Alignas(struct nlmsghdr) char buffer[NETLINK_MESSAGE_MAX];
	struct nlmsghdr *request = netlink_request(buffer, RTM_NEWADDR, NLM_F_CREATE | NLM_F_EXCL);
	struct ifaddrmsg *header = mnl_nlmsg_put_extra_header(request, sizeof(*header));

	header->ifa_family = (unsigned char)address->family;
	header->ifa_prefixlen = (unsigned char)address->bits;
	header->ifa_index = index;
	/* nobody else is there who could have it: usable at once */
	header->ifa_flags = address->family == AF_INET6 ? IFA_F_NODAD : 0;
	mnl_attr_put(request, IFA_LOCAL, address->bits / 8, address->bytes);
	mnl_attr_put(request, IFA_ADDRESS, address->bits / 8, address->bytes);
	return netlink_do(netlink, request);
}

int neighbour_add(struct netlink *netlink, unsigned index, const struct prefix *address,
		  const unsigned char hardware[HARDWARE_BYTES])
{
	_Alignas(struct nlmsghdr) char buffer[NETLINK_MESSAGE_MAX];
	struct nlmsghdr *request = netlink_request(buffer, RTM_NEWNEIGH, NLM_F_CREATE | NLM_F_REPLACE);
	struct ndmsg *neighbour = mnl_nlmsg_put_extra_header(request, sizeof(*neighbour));

	neighbour->ndm_family = (unsigned char)address->family;
	neighbour->ndm_ifindex = (int)index;
	neighbour->ndm_state = NUD_PERMANENT;
	mnl_attr_put(request, NDA_DST, address->bits / 8, address->bytes);
	mnl_attr_put(request, NDA_LLADDR, HARDWARE_BYTES, hardware);
	return netlink_do(netlink, request);
}

static struct rtmsg *begin_route(void *buffer, int family, struct nlmsghdr **ret)
{
	struct rtmsg *route;

	*ret = netlink_request(buffer, RTM_NEWROUTE, NLM_F_CREATE | NLM_F_EXCL);
	route = mnl_nlmsg_put_extra_header(*ret, sizeof(*route));
	route->rtm_family = (unsigned char)family;
	route->rtm_table = RT_TABLE_MAIN;
	route->rtm_protocol = RTPROT_STATIC;
	route->rtm_type = RTN_UNICAST;
	return route;
}

int route_to_session(struct netlink *netlink, unsigned index, const struct prefix *address)
{
	_Alignas(struct nlmsghdr) char buffer[NETLINK_MESSAGE_MAX];
	struct nlmsghdr *request;
	struct rtmsg *route = begin_route(buffer, address->family, &request);

	route->rtm_dst_len = (unsigned char)address->bits;
	route->rtm_scope = RT_SCOPE_LINK;
	mnl_attr_put(request, RTA_DST, address->bits / 8, address->bytes);
	mnl_attr_put_u32(request, RTA_OIF, index);
	return netlink_do(netlink, request);
}

int route_by_default(struct netlink *netlink, unsigned index, const struct prefix *gateway)
{
	_Alignas(struct nlmsghdr) char buffer[NETLINK_MESSAGE_MAX];
	struct nlmsghdr *request;
	struct rtmsg *route = begin_route(buffer, gateway->family, &request);

	route->rtm_scope = RT_SCOPE_UNIVERSE;
	route->rtm_flags = RTNH_F_ONLINK;
	mnl_attr_put(request, RTA_GATEWAY, gateway->bits / 8, gateway->bytes);
	mnl_attr_put_u32(request, RTA_OIF, index);
	return netlink_do(netlink, request);
}

static int read_type(const struct nlmsghdr *message, void *data)
{
	const struct rtmsg *route = mnl_nlmsg_get_payload(message);

	*(bool *)data = route->rtm_type != RTN_UNICAST;
	return MNL_CB_OK;
}

bool route_is_own(struct netlink *netlink, const struct prefix *address)
{
	_Alignas(struct nlmsghdr) char buffer[NETLINK_MESSAGE_MAX];
	struct nlmsghdr *request = netlink_request(buffer, RTM_GETROUTE, 0);
	struct rtmsg *route = mnl_nlmsg_put_extra_header(request, sizeof(*route));
	bool own = false;

	route->rtm_family = (unsigned char)address->family;
	route->rtm_dst_len = (unsigned char)address->bits;
	mnl_attr_put(request, RTA_DST, address->bits / 8, address->bytes);
	/* tolerated: there is no way to it, as there need not be */
	return netlink_ask(netlink, request, read_type, &own) == 0 && own;
}
