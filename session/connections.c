/* SPDX-License-Identifier: BSD-3-Clause OR GPL-2.0-or-later */
#include "session/connections.h"

#include "config/problem.h"
#include "session/network_state.h"
#include "session/used_addresses.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <linux/netfilter/nfnetlink.h>
#include <linux/netfilter/nfnetlink_conntrack.h>
#include <string.h>

#define CROWDED_PART 4 /* of the table: when so much of it is taken, each new session takes away what is left */

struct search {
	const struct veth_pool *pool;
	struct netlink deleting;
};

static struct nlmsghdr *ask_conntrack(void *buffer, uint16_t message, uint16_t flags, int family)
{
	struct nlmsghdr *request = netlink_request(buffer, (uint16_t)(NFNL_SUBSYS_CTNETLINK << 8 | message), flags);
	struct nfgenmsg *header = mnl_nlmsg_put_extra_header(request, sizeof(*header));

	header->nfgen_family = (uint8_t)family;
	header->version = NFNETLINK_V0;
	return request;
}

static const struct nlattr *find_in(const struct nlattr *nest, uint16_t type)
{
	const struct nlattr *attribute = NULL;

	while (nest &&
	       (attribute = netlink_next(mnl_attr_get_payload(nest), mnl_attr_get_payload_len(nest), attribute)))
		if (mnl_attr_get_type(attribute) == type)
			return attribute;
	return NULL;
}

static uint16_t source_type(int family)
{
	return family == AF_INET ? CTA_IP_V4_SRC : CTA_IP_V6_SRC;
}

/* Who opened the connection. */
static bool read_source(const struct nlattr *tuple, int family, struct prefix *ret)
{
	const struct nlattr *source = find_in(find_in(tuple, CTA_TUPLE_IP), source_type(family));

	*ret = (struct prefix){ .family = family, .bits = prefix_family_bits(family) };
	if (!source || mnl_attr_get_payload_len(source) != ret->bits / 8)
		return false;
	memcpy(ret->bytes, mnl_attr_get_payload(source), ret->bits / 8);
	return true;
}

/* An address of the pool that no session has. */
static bool is_left(const struct search *search, const struct prefix *source)
{
	return prefix_holds(&search->pool->prefix, source) &&
	       !address_is_held(search->pool->locks, network_lock_byte(source));
}

static void copy(struct nlmsghdr *request, const struct nlattr *attribute)
{
	if (attribute)
		mnl_attr_put(request, attribute->nla_type, mnl_attr_get_payload_len(attribute),
			     mnl_attr_get_payload(attribute));
}

/* With its number: never another one that has come in its place. */
static int forget(const struct nlmsghdr *message, void *data)
{
	const void *from = mnl_nlmsg_get_payload_offset(message, sizeof(struct nfgenmsg));
	const size_t size = mnl_nlmsg_get_payload_len(message) - MNL_ALIGN(sizeof(struct nfgenmsg));
	const struct nlattr *attribute = NULL, *tuple = NULL, *zone = NULL, *id = NULL;
	_Alignas(struct nlmsghdr) char buffer[NETLINK_MESSAGE_MAX];
	struct search *search = data;
	const int family = search->pool->prefix.family;
	struct nlmsghdr *request;
	struct prefix source;
	int r;

	while ((attribute = netlink_next(from, size, attribute))) {
		const uint16_t type = mnl_attr_get_type(attribute);

		tuple = type == CTA_TUPLE_ORIG ? attribute : tuple;
		zone = type == CTA_ZONE ? attribute : zone;
		id = type == CTA_ID ? attribute : id;
	}
	if (!id || !read_source(tuple, family, &source) || !is_left(search, &source))
		return MNL_CB_OK;
	request = ask_conntrack(buffer, IPCTNL_MSG_CT_DELETE, 0, family);
	copy(request, tuple);
	copy(request, zone);
	copy(request, id);
	r = netlink_do(&search->deleting, request);
	/* it has ended by itself */
	if (r == 0 || r == -ENOENT)
		return MNL_CB_OK;
	errno = -r;
	return MNL_CB_ERROR;
}

static int read_usage(const struct nlmsghdr *message, void *data)
{
	const void *from = mnl_nlmsg_get_payload_offset(message, sizeof(struct nfgenmsg));
	const size_t size = mnl_nlmsg_get_payload_len(message) - MNL_ALIGN(sizeof(struct nfgenmsg));
	const struct nlattr *attribute = NULL;
	struct connections_usage *usage = data;

	while ((attribute = netlink_next(from, size, attribute))) {
		if (mnl_attr_get_type(attribute) == CTA_STATS_GLOBAL_ENTRIES)
			usage->count = ntohl(mnl_attr_get_u32(attribute));
		else if (mnl_attr_get_type(attribute) == CTA_STATS_GLOBAL_MAX_ENTRIES)
			usage->max = ntohl(mnl_attr_get_u32(attribute));
	}
	return MNL_CB_OK;
}

int connections_usage(struct netlink *netfilter, struct connections_usage *ret, char **ret_problem)
{
	_Alignas(struct nlmsghdr) char buffer[NETLINK_MESSAGE_MAX];
	struct connections_usage usage = { 0 };
	int r = netlink_ask(netfilter, ask_conntrack(buffer, IPCTNL_MSG_CT_GET_STATS, 0, AF_UNSPEC), read_usage,
			    &usage);

	/* nfnetlink has loaded the module, if there is one and modules can be loaded */
	if (r == -EINVAL || r == -EOPNOTSUPP)
		return problem(ret_problem, -EOPNOTSUPP,
			       "the kernel has no nf_conntrack_netlink, by which the connections of earlier sessions "
			       "are taken away; load it by 'modprobe nf_conntrack_netlink' and modules-load.d(5)");
	if (r == 0)
		*ret = usage;
	return r;
}

/* The kernel looks through the whole table, whatever of it is asked for, and empty places of it take their time, too.
 */
static int forget_all(const struct veth_pool *pool)
{
	_Alignas(struct nlmsghdr) char buffer[NETLINK_MESSAGE_MAX];
	struct search search = { .pool = pool };
	struct netlink listing;
	int r = netlink_open(NETLINK_NETFILTER, &listing);

	if (r < 0)
		return r;
	r = netlink_open(NETLINK_NETFILTER, &search.deleting);
	if (r == 0) {
		r = netlink_ask(&listing, ask_conntrack(buffer, IPCTNL_MSG_CT_GET, NLM_F_DUMP, pool->prefix.family),
				forget, &search);
		netlink_close(&search.deleting);
	}
	netlink_close(&listing);
	return r;
}

int connections_forget(const struct veth_pool *pool, const struct connections_usage *usage)
{
	struct used_addresses used;
	int r;

	if (address_was_used(pool->locks, &pool->address) || usage->count >= usage->max / CROWDED_PART) {
		used_addresses_read(pool, &used);
		r = forget_all(pool);
		if (r < 0)
			return r;
		used_addresses_forget(pool, &used);
	}
	return address_use(pool);
}
