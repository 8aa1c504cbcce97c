/* SPDX-License-Identifier: BSD-3-Clause OR GPL-2.0-or-later */
#include "session/forwarding.h"

#include "config/egress.h"
#include "config/problem.h"

#include <fcntl.h>
#include <linux/rtnetlink.h>
#include <net/if.h>
#include <string.h>

/* Addresses that no network has, RFC 5737 and 3849: the way to them is the default route. */
#define ELSEWHERE4 "198.51.100.1"
#define ELSEWHERE6 "2001:db8:ffff::1"

/* So many addresses of a network that the machine is on may be its own before another is found. */
#define OWN_MAX 16U

struct way {
	unsigned interface; /* 0: there is none */
	bool is_own;        /* the machine itself is meant, or all of the network */
};

/* Of each family the interface that was found to forward last: most destinations are behind the same. */
struct checked {
	unsigned interface4, interface6;
};

static int read_route(const struct nlmsghdr *message, void *data)
{
	const struct rtmsg *route = mnl_nlmsg_get_payload(message);
	const void *attributes = mnl_nlmsg_get_payload_offset(message, sizeof(*route));
	const size_t size = mnl_nlmsg_get_payload_len(message) - MNL_ALIGN(sizeof(*route));
	const struct nlattr *attribute = NULL;
	struct way *way = data;

	way->is_own =
		route->rtm_type == RTN_LOCAL || route->rtm_type == RTN_BROADCAST || route->rtm_type == RTN_ANYCAST;
	if (route->rtm_type != RTN_UNICAST)
		return MNL_CB_OK;
	while ((attribute = netlink_next(attributes, size, attribute)))
		if (mnl_attr_get_type(attribute) == RTA_OIF)
			way->interface = mnl_attr_get_u32(attribute);
	return MNL_CB_OK;
}

static struct way find_way(struct netlink *netlink, const struct prefix *address)
{
	_Alignas(struct nlmsghdr) char buffer[NETLINK_MESSAGE_MAX];
	struct nlmsghdr *request = netlink_request(buffer, RTM_GETROUTE, 0);
	struct rtmsg *route = mnl_nlmsg_put_extra_header(request, sizeof(*route));
	struct way way = { 0 };

	route->rtm_family = (unsigned char)address->family;
	route->rtm_dst_len = (unsigned char)address->bits;
	mnl_attr_put(request, RTA_DST, address->bits / 8, address->bytes);
	/* tolerated: whatever says that there is no way, among them ENETUNREACH, EHOSTUNREACH and EACCES */
	if (netlink_ask(netlink, request, read_route, &way) < 0)
		way = (struct way){ 0 };
	return way;
}

/* The number in a sysctl's file; -1: there is none. */
static int read_sysctl(const char *path)
{
	_cleanup_close_ int file = open(path, O_RDONLY | O_CLOEXEC);
	char text[16] = "";
	ssize_t size = file < 0 ? -1 : read(file, text, sizeof(text) - 1);

	return size <= 0 ? -1 : atoi(text);
}

/* sysctl(8) takes dots of an interface's name for slashes, and the other way round. */
static void put_name(const char *interface, char ret[IF_NAMESIZE])
{
	(void)snprintf(ret, IF_NAMESIZE, "%s", interface);
	for (char *at = ret; (at = strchr(at, '.'));)
		*at = '/';
}

static int check4(const char *interface, char **ret_problem)
{
	char path[64], name[IF_NAMESIZE];

	(void)snprintf(path, sizeof(path), "/proc/sys/net/ipv4/conf/%s/forwarding", interface);
	if (read_sysctl(path) != 0)
		return 0;
	put_name(interface, name);
	return problem(
		ret_problem, -ENETUNREACH,
		"IPv4 is not forwarded from the interface %s to sessions: net.ipv4.conf.%s.forwarding is 0; set it "
		"with 'sysctl net.ipv4.conf.%s.forwarding=1' and in sysctl.d(5)",
		interface, name, name);
}

/*
 * IPv6 is forwarded when the one switch for all is on. Since Linux 6.17 an interface can also have it of its own, and
 * a session's has.
 */
static int check6(const char *interface, char **ret_problem)
{
	char path[80], name[IF_NAMESIZE];
	int own;

	if (read_sysctl("/proc/sys/net/ipv6/conf/all/forwarding") != 0)
		return 0;
	(void)snprintf(path, sizeof(path), "/proc/sys/net/ipv6/conf/%s/force_forwarding", interface);
	own = read_sysctl(path);
	if (own > 0)
		return 0;
	put_name(interface, name);
	return problem(
		ret_problem, -ENETUNREACH,
		"IPv6 is not forwarded from the interface %s to sessions: net.ipv6.conf.all.forwarding is 0; set it "
		"with 'sysctl net.ipv6.conf.all.forwarding=1' and in sysctl.d(5)%s%s%s",
		interface, own == 0 ? ", or only net.ipv6.conf." : "", own == 0 ? name : "",
		own == 0 ? ".force_forwarding" : "");
}

static int check_way(const struct way *way, int family, struct checked *checked, char **ret_problem)
{
	unsigned *last = family == AF_INET ? &checked->interface4 : &checked->interface6;
	char interface[IF_NAMESIZE];
	int r;

	if (way->interface == 0 || way->interface == *last || !if_indextoname(way->interface, interface))
		return 0;
	r = family == AF_INET ? check4(interface, ret_problem) : check6(interface, ret_problem);
	if (r == 0)
		*last = way->interface;
	return r;
}

static int check_address(struct netlink *netlink, struct checked *checked, const struct prefix *address,
			 char **ret_problem)
{
	const struct way way = find_way(netlink, address);

	return check_way(&way, address->family, checked, ret_problem);
}

/* The number-th address of a prefix of at most OWN_MAX that are numbered, the network's own behind the others. */
static struct prefix numbered_address(const struct prefix *prefix, unsigned number, unsigned count)
{
	struct prefix address = *prefix;

	address.bits = prefix_family_bits(prefix->family);
	address.bytes[address.bits / 8 - 1] |= (unsigned char)((number + 1) % count);
	return address;
}

/* By any of its addresses that is not the machine's own: that is reached without a way. */
static int check_prefix(struct netlink *netlink, struct checked *checked, const struct prefix *prefix,
			char **ret_problem)
{
	const unsigned free_bits = prefix_family_bits(prefix->family) - prefix->bits;
	const unsigned count = free_bits < 4 ? 1U << free_bits : OWN_MAX;
	struct way way = { .is_own = true };

	for (unsigned number = 0; way.is_own && number < count; number++) {
		const struct prefix address = numbered_address(prefix, number, count);

		way = find_way(netlink, &address);
	}
	return check_way(&way, prefix->family, checked, ret_problem);
}

static int check_elsewhere(struct netlink *netlink, struct checked *checked, const char *text, char **ret_problem)
{
	struct prefix address;

	return prefix_parse_address(text, &address) ? check_address(netlink, checked, &address, ret_problem) : -EINVAL;
}

static bool has_family(const struct firewall_order *order, int family)
{
	for (char *const *pool = order->pool; pool && *pool; pool++)
		if ((strchr(*pool, ':') ? AF_INET6 : AF_INET) == family)
			return true;
	return false;
}

static int check_item(struct netlink *netlink, struct checked *checked, const struct firewall_order *order,
		      const struct egress *item, char **ret_problem)
{
	const bool any = item->kind == EGRESS_ANY || (item->kind == EGRESS_PREFIX && item->prefix.bits == 0);
	int r = 0;

	if (item->excluded || item->kind == EGRESS_HOST || item->kind == EGRESS_DNS)
		return 0;
	if (any && has_family(order, AF_INET) && (item->kind == EGRESS_ANY || item->prefix.family == AF_INET))
		r = check_elsewhere(netlink, checked, ELSEWHERE4, ret_problem);
	if (r == 0 && any && has_family(order, AF_INET6) &&
	    (item->kind == EGRESS_ANY || item->prefix.family == AF_INET6))
		r = check_elsewhere(netlink, checked, ELSEWHERE6, ret_problem);
	if (!any && has_family(order, item->prefix.family))
		r = check_prefix(netlink, checked, &item->prefix, ret_problem);
	return r;
}

int forwarding_check(struct netlink *netlink, const struct firewall_order *order, char **ret_problem)
{
	struct checked checked = { 0 };
	int r = 0;

	for (char *const *text = order->egress; r == 0 && text && *text; text++) {
		_cleanup_free_ char *ignored = NULL;
		struct egress item;

		r = egress_parse(*text, &item, &ignored);
		if (r == 0)
			r = check_item(netlink, &checked, order, &item, ret_problem);
	}
	for (size_t i = 0; r == 0 && i < order->server_count; i++)
		if (has_family(order, order->servers[i].family))
			r = check_address(netlink, &checked, &order->servers[i], ret_problem);
	return r;
}
