/* SPDX-License-Identifier: BSD-3-Clause OR GPL-2.0-or-later */
/* Pools of addresses that are somebody else's. */
#include "config/policy_report.h"
#include "session/veth_list.h"
#include "tools/lint_private.h"

#include <linux/rtnetlink.h>
#include <net/if.h>
#include <string.h>

int pools_add(struct pools *pools, const struct policy *policy)
{
	char **text = policy->network.mode == NETWORK_VETH && policy->mode != MODE_OFF ? policy->network.pool : NULL;

	for (; text && *text; text++) {
		const struct origin *origin = &policy->origins[KEY_NETWORK_POOL];
		_cleanup_free_ char *ignored = NULL;
		struct pool pool = { .line = origin->line }, *items;

		if (prefix_parse(*text, &pool.prefix, &ignored) < 0)
			continue;
		items = reallocarray(pools->items, pools->count + 1, sizeof(*items));
		if (!items)
			return -ENOMEM;
		pools->items = items;
		pool.file = strdup(policy_origin_file(policy, origin));
		if (!pool.file)
			return -ENOMEM;
		items[pools->count++] = pool;
	}
	return 0;
}

void pools_release(struct pools *pools)
{
	for (size_t i = 0; i < pools->count; i++)
		free(pools->items[i].file);
	free(pools->items);
	*pools = (struct pools){ 0 };
}

static bool overlap(const struct prefix *one, const struct prefix *other)
{
	return prefix_holds(one, other) || prefix_holds(other, one);
}

/* The same pool in two files is meant; one that is a part of another is hardly. */
void lint_pools(const struct pools *pools, struct diagnostics *diag)
{
	for (size_t i = 1; i < pools->count; i++) {
		const struct pool *pool = &pools->items[i];
		char own[PREFIX_TEXT_SIZE], other[PREFIX_TEXT_SIZE];

		for (size_t j = 0; j < i; j++) {
			const struct pool *first = &pools->items[j];

			if (!overlap(&first->prefix, &pool->prefix) || first->prefix.bits == pool->prefix.bits)
				continue;
			diagnostics_add(
				diag, SEVERITY_WARNING, pool->file, pool->line,
				"network.pool: '%s' overlaps '%s' of %s: sessions of one can leave no address to those "
				"of the other; give them the same pool, or pools apart",
				prefix_format(&pool->prefix, own), prefix_format(&first->prefix, other), first->file);
			break;
		}
	}
}

struct search {
	const struct prefix *pool;
	struct prefix found;
	char interface[IF_NAMESIZE];
	bool own; /* an address of this machine's */
	bool any;
};

/* A network behind a router may hold the pool, as 10.0.0.0/8 of a campus does; one that this machine is on may not. */
static bool is_in_the_way(const struct rtmsg *route, const struct search *search, const struct prefix *destination,
			  bool has_gateway)
{
	if (route->rtm_type != RTN_UNICAST && route->rtm_type != RTN_LOCAL)
		return false;
	return prefix_holds(search->pool, destination) || (!has_gateway && prefix_holds(destination, search->pool));
}

static int judge_route(const struct nlmsghdr *message, void *data)
{
	const struct rtmsg *route = mnl_nlmsg_get_payload(message);
	const void *from = mnl_nlmsg_get_payload_offset(message, sizeof(*route));
	const size_t size = mnl_nlmsg_get_payload_len(message) - MNL_ALIGN(sizeof(*route));
	struct prefix destination = { .family = route->rtm_family, .bits = route->rtm_dst_len };
	const struct nlattr *attribute = NULL;
	struct search *search = data;
	char interface[IF_NAMESIZE] = "";
	bool has_gateway = false;

	while ((attribute = netlink_next(from, size, attribute))) {
		const uint16_t type = mnl_attr_get_type(attribute);

		if (type == RTA_DST && mnl_attr_get_payload_len(attribute) <= sizeof(destination.bytes))
			memcpy(destination.bytes, mnl_attr_get_payload(attribute), mnl_attr_get_payload_len(attribute));
		else if (type == RTA_OIF)
			(void)if_indextoname(mnl_attr_get_u32(attribute), interface);
		else if (type == RTA_GATEWAY || type == RTA_VIA || type == RTA_MULTIPATH)
			has_gateway = true;
	}
	if (search->any || destination.family != search->pool->family || destination.bits == 0 ||
	    veth_is_ours_by_name(interface) || !is_in_the_way(route, search, &destination, has_gateway))
		return MNL_CB_OK;
	search->any = true;
	search->own = route->rtm_type == RTN_LOCAL;
	search->found = destination;
	memcpy(search->interface, interface, sizeof(interface));
	return MNL_CB_OK;
}

void lint_pool_routes(const struct policy *policy, struct netlink *netlink, struct diagnostics *diag)
{
	for (char **text = policy->network.pool; text && *text; text++) {
		_Alignas(struct nlmsghdr) char buffer[NETLINK_MESSAGE_MAX];
		struct nlmsghdr *request = netlink_request(buffer, RTM_GETROUTE, NLM_F_DUMP);
		struct rtmsg *route = mnl_nlmsg_put_extra_header(request, sizeof(*route));
		_cleanup_free_ char *ignored = NULL;
		struct search search = { 0 };
		char found[PREFIX_TEXT_SIZE];
		struct prefix pool;

		if (prefix_parse(*text, &pool, &ignored) < 0)
			continue;
		search.pool = &pool;
		route->rtm_family = (unsigned char)pool.family;
		if (netlink_ask(netlink, request, judge_route, &search) < 0 || !search.any)
			continue;
		policy_report(policy, KEY_NETWORK_POOL, SEVERITY_WARNING, diag,
			      "network.pool: '%s' overlaps %s %s of this host%s%s: who is there is out of reach, or "
			      "takes part; choose a prefix that no network around uses",
			      *text, search.own ? "the address" : "the network", prefix_format(&search.found, found),
			      *search.interface ? ", on " : "", search.interface);
	}
}
