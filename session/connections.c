/* SPDX-License-Identifier: BSD-3-Clause OR GPL-2.0-or-later */
#include "session/connections.h"

#include "session/network_state.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <linux/netfilter/nfnetlink.h>
#include <linux/netfilter/nfnetlink_conntrack.h>
#include <string.h>

#define COUNT_FILE   "/proc/sys/net/netfilter/nf_conntrack_count"
#define MAX_FILE     "/proc/sys/net/netfilter/nf_conntrack_max"
#define SHORT        2048 /* so many are read in less than a millisecond */
#define FILTER_BY_IP 1    /* libnetfilter_conntrack's CTA_FILTER_FLAG_CTA_IP_SRC; in no header of the kernel's */

struct search {
	const struct veth_pool *pool;
	bool whole; /* of every address of the pool that is nobody's */
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

/* A lock of our own descriptor is none that it sees: what we hold is not in use yet. */
static bool is_held(const struct veth_pool *pool, const struct prefix *address)
{
	struct flock lock = {
		.l_type = F_WRLCK, .l_whence = SEEK_SET, .l_start = network_lock_byte(address), .l_len = 1
	};

	return fcntl(pool->locks, F_OFD_GETLK, &lock) < 0 || lock.l_type != F_UNLCK;
}

static bool is_left(const struct search *search, const struct prefix *source)
{
	const struct prefix *from = search->whole ? &search->pool->prefix : &search->pool->address;

	return prefix_holds(from, source) && !is_held(search->pool, source);
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

/* Kernels before 5.8 do not know it, and list more. */
static void put_filter(struct nlmsghdr *request, const struct prefix *address)
{
	struct nlattr *tuple = mnl_attr_nest_start(request, CTA_TUPLE_ORIG);
	struct nlattr *nest = mnl_attr_nest_start(request, CTA_TUPLE_IP);

	mnl_attr_put(request, source_type(address->family), address->bits / 8, address->bytes);
	mnl_attr_nest_end(request, nest);
	mnl_attr_nest_end(request, tuple);
	nest = mnl_attr_nest_start(request, CTA_FILTER);
	mnl_attr_put_u32(request, CTA_FILTER_ORIG_FLAGS, FILTER_BY_IP);
	mnl_attr_put_u32(request, CTA_FILTER_REPLY_FLAGS, 0);
	mnl_attr_nest_end(request, nest);
}

static uint64_t read_count(const char *path)
{
	_cleanup_close_ int file = open(path, O_RDONLY | O_CLOEXEC);
	char text[24] = "";

	return file < 0 || read(file, text, sizeof(text) - 1) <= 0 ? 0 : strtoull(text, NULL, 10);
}

static bool looks_at_all(void)
{
	const uint64_t count = read_count(COUNT_FILE);

	return count <= SHORT || count >= read_count(MAX_FILE) / 2;
}

int connections_forget(const struct veth_pool *pool)
{
	_Alignas(struct nlmsghdr) char buffer[NETLINK_MESSAGE_MAX];
	struct nlmsghdr *request = ask_conntrack(buffer, IPCTNL_MSG_CT_GET, NLM_F_DUMP, pool->prefix.family);
	struct search search = { .pool = pool, .whole = looks_at_all() };
	struct netlink listing;
	int r = netlink_open(NETLINK_NETFILTER, &listing);

	if (r < 0)
		return r;
	r = netlink_open(NETLINK_NETFILTER, &search.deleting);
	if (r == 0) {
		if (!search.whole)
			put_filter(request, &pool->address);
		r = netlink_ask(&listing, request, forget, &search);
		netlink_close(&search.deleting);
	}
	netlink_close(&listing);
	return r;
}
