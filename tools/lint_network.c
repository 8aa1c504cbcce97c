/* SPDX-License-Identifier: BSD-3-Clause OR GPL-2.0-or-later */
/* What a policy's network needs of this host. */
#include "config/egress.h"
#include "config/network.h"
#include "config/policy_report.h"
#include "config/problem.h"
#include "config/text_list.h"
#include "config/value.h"
#include "nsisolate-config.h"
#include "session/connections.h"
#include "session/forwarding.h"
#include "session/network_name.h"
#include "session/resolver.h"
#include "tools/lint_private.h"

#include <inttypes.h>
#include <string.h>
#include <unistd.h>

#define DNS_PORT 53

/* Where one policy is for one service, or for any, and what is said of it. */
struct judged {
	const struct policy *policy;
	const char *service;
	struct diagnostics *diag;
};

static void warn_refused(const struct judged *judged, enum policy_key key, const char *reason)
{
	lint_report_refusal(judged->policy, &judged->policy->origins[key], judged->service, NULL, judged->diag, "%s",
			    reason);
}

static void lint_named(const struct judged *judged)
{
	char path[sizeof(NETWORK_NAMES) + 1 + NETWORK_NAME_MAX];
	_cleanup_free_ char *problem = NULL;
	_cleanup_close_ int fd = -1;
	uint64_t number;

	(void)snprintf(path, sizeof(path), NETWORK_NAMES "/%s", judged->policy->network.name);
	if (network_name_open(path, &fd, &number, &problem) == -EINVAL)
		warn_refused(judged, KEY_NETWORK_NAME, problem ? problem : "out of memory");
}

static void lint_slirp(const struct judged *judged)
{
	if (access(NSISOLATE_SLIRP4NETNS, X_OK) < 0)
		warn_refused(judged, KEY_NETWORK_MODE,
			     "network.mode: 'slirp' needs " NSISOLATE_SLIRP4NETNS ", of the package slirp4netns");
}

/* The kernel's table of connections, which all of the host shares. Only root can ask. */
static void lint_connections(const struct judged *judged)
{
	const struct policy *policy = judged->policy;
	_cleanup_free_ char *problem = NULL;
	struct connections_usage usage = { 0 };
	struct netlink netlink;
	uint64_t most;
	int r;

	if (netlink_open(NETLINK_NETFILTER, &netlink) < 0)
		return;
	r = connections_usage(&netlink, &usage, &problem);
	netlink_close(&netlink);
	if (r == -EOPNOTSUPP && problem)
		warn_refused(judged, KEY_NETWORK_MODE, problem);
	most = policy->scope == SCOPE_USER ? 1 : policy->max_sessions;
	if (r < 0 || usage.max == 0 || most <= usage.max / 2 / policy->network.connections)
		return;
	policy_report(policy, KEY_NETWORK_CONNECTIONS, SEVERITY_WARNING, judged->diag,
		      "network.connections: '%" PRIu64 "' for each of %" PRIu64
		      " sessions lets one user take more than half of the host's %" PRIu32
		      " connections; lower it or max-sessions, or raise net.netfilter.nf_conntrack_max by sysctl.d(5)",
		      policy->network.connections, most, usage.max);
}

/* What an item says of port 53 of a server: 1 it is reached, -1 it is excluded, 0 nothing. */
static int egress_about(const char *text, const struct prefix *server)
{
	_cleanup_free_ char *ignored = NULL;
	struct egress item;
	bool port = false;

	if (egress_parse(text, &item, &ignored) < 0)
		return 0;
	if (item.kind == EGRESS_PREFIX && !prefix_holds(&item.prefix, server))
		return 0;
	if (item.excluded)
		return -1;
	for (size_t i = 0; i < item.port_count; i++)
		port |= item.ports[i].from <= DNS_PORT && DNS_PORT <= item.ports[i].to;
	return (item.protocol == EGRESS_ALL || item.protocol == EGRESS_UDP) && (item.port_count == 0 || port);
}

static bool is_reached(char *const *egress, const struct prefix *server)
{
	bool reached = text_list_has(egress, "dns");

	for (; egress && *egress; egress++) {
		int said = egress_about(*egress, server);

		if (said < 0)
			return false;
		reached |= said > 0;
	}
	return reached;
}

/* Names that a session cannot look up are no refusal, and nobody finds out why. */
static void lint_servers(const struct judged *judged, const struct firewall_order *order)
{
	char *const *egress = judged->policy->network.egress;
	char server[PREFIX_TEXT_SIZE];

	for (size_t i = 0; i < order->server_count; i++)
		if (is_reached(egress, &order->servers[i]))
			return;
	policy_report(judged->policy, KEY_NETWORK_EGRESS, SEVERITY_WARNING, judged->diag,
		      "network.egress: does not reach the name server %s of %s, so that sessions look no name up; %s",
		      prefix_format(&order->servers[0], server), resolver_file(judged->policy),
		      text_list_has(egress, "dns") ? "an item with '!' excludes it" : "add \"dns\"");
}

/* As the login will find it, but for the rules, which only root can look at. */
static void lint_veth(const struct judged *judged)
{
	const struct policy *policy = judged->policy;
	struct firewall_order order = { .pool = policy->network.pool, .egress = policy->network.egress };
	_cleanup_free_ char *problem = NULL, *no_servers = NULL;
	struct netlink netlink;
	int r = 0;

	if (access(NSISOLATE_NFT, X_OK) < 0)
		r = problem(&problem, -errno, "network.mode: 'veth' needs " NSISOLATE_NFT ", of the package nftables");
	if (resolver_read(resolver_file(policy), &order, &no_servers) < 0 && r == 0 &&
	    firewall_needs_servers(policy->network.egress)) {
		r = -EINVAL;
		problem = TAKE_PTR(no_servers);
	}
	if (r == 0 && netlink_open(NETLINK_ROUTE, &netlink) == 0) {
		lint_pool_routes(policy, &netlink, judged->diag);
		if (policy->network.egress && order.server_count > 0)
			lint_servers(judged, &order);
		r = forwarding_check(&netlink, &order, &problem);
		netlink_close(&netlink);
	}
	if (r < 0 && problem)
		warn_refused(judged, KEY_NETWORK_MODE, problem);
	lint_connections(judged);
}

/* Whether all that is said of one mode's network was said of the other policy. */
static bool is_told(const struct policy *general, const struct policy *policy)
{
	static const enum policy_key keys[] = { KEY_NETWORK_MODE,        KEY_NETWORK_NAME,
						KEY_NETWORK_POOL,        KEY_NETWORK_EGRESS,
						KEY_NETWORK_CONNECTIONS, KEY_NETWORK_RESOLV_CONF,
						KEY_MAX_SESSIONS,        KEY_SCOPE };

	if (policy == general || general->mode == MODE_OFF)
		return false;
	for (size_t i = 0; i < ELEMENTS(keys); i++) {
		_cleanup_free_ char *mine = value_format(keys[i], policy), *other = value_format(keys[i], general);

		if (!mine || !other || strcmp(mine, other) != 0)
			return false;
	}
	return true;
}

void lint_network(const struct policy *general, const struct policy *policy, const char *service,
		  struct diagnostics *diag)
{
	const struct judged judged = { policy, service, diag };

	if (is_told(general, policy))
		return;
	if (policy->network.mode == NETWORK_NAMED)
		lint_named(&judged);
	else if (policy->network.mode == NETWORK_SLIRP)
		lint_slirp(&judged);
	else if (policy->network.mode == NETWORK_VETH)
		lint_veth(&judged);
}
