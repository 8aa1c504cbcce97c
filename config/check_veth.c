/* SPDX-License-Identifier: BSD-3-Clause OR GPL-2.0-or-later */
#include "config/check_veth.h"

#include "config/egress.h"
#include "config/network.h"
#include "config/policy_report.h"
#include "config/pool.h"

#include <inttypes.h>
#include <string.h>

static const char *pool_of(const struct policy *policy, bool ipv6)
{
	for (char **pool = policy->network.pool; pool && *pool; pool++)
		if ((strchr(*pool, ':') != NULL) == ipv6)
			return *pool;
	return NULL;
}

static bool check_pool(const struct policy *policy, struct diagnostics *diag)
{
	size_t families[2] = { 0, 0 };

	for (char **pool = policy->network.pool; pool && *pool; pool++)
		families[strchr(*pool, ':') != NULL]++;
	if (families[0] + families[1] == 0) {
		policy_report(policy, KEY_NETWORK_MODE, SEVERITY_ERROR, diag,
			      "network.mode: 'veth' needs network.pool, the prefixes that sessions have their "
			      "addresses from, as in pool = {\"10.99.0.0/16\", \"fd00:99::/64\"}");
		return false;
	}
	for (size_t i = 0; i < ELEMENTS(families); i++) {
		if (families[i] < 2)
			continue;
		policy_report(policy, KEY_NETWORK_POOL, SEVERITY_ERROR, diag,
			      "network.pool: has more than one %s prefix; a session has one address of each family",
			      i == 0 ? "IPv4" : "IPv6");
		return false;
	}
	return true;
}

static bool check_connections(const struct policy *policy, struct diagnostics *diag)
{
	if (policy->network.connections <= NETWORK_CONNECTIONS_MAX)
		return true;
	policy_report(policy, KEY_NETWORK_CONNECTIONS, SEVERITY_ERROR, diag,
		      "network.connections: '%" PRIu64 "' is more than any host keeps for a session; at most %" PRIu64
		      "m",
		      policy->network.connections, NETWORK_CONNECTIONS_MAX >> 20);
	return false;
}

/* A session of a user's own has an address of each pool. */
static void advise_pool(const struct policy *policy, struct diagnostics *diag)
{
	for (char **text = policy->network.pool; text && *text; text++) {
		_cleanup_free_ char *ignored = NULL;
		struct prefix pool;

		if (policy->scope == SCOPE_USER || prefix_parse(*text, &pool, &ignored) < 0 ||
		    pool_size(&pool) > policy->max_sessions)
			continue;
		policy_report(policy, KEY_NETWORK_POOL, SEVERITY_WARNING, diag,
			      "network.pool: '%s' has %" PRIu64
			      " addresses, which one user can hold with max-sessions = %" PRIu64
			      ": others are then refused; take a larger pool, or a lower max-sessions",
			      *text, pool_size(&pool), policy->max_sessions);
	}
}

static void advise_egress(const struct policy *policy, struct diagnostics *diag)
{
	if (!policy->network.egress)
		policy_report(
			policy, KEY_NETWORK_MODE, SEVERITY_WARNING, diag,
			"network.egress: is not given, so that a session reaches nothing; network.mode = \"loopback\" "
			"does that with less");
	for (char **text = policy->network.egress; text && *text; text++) {
		_cleanup_free_ char *ignored = NULL;
		struct egress item;

		if (egress_parse(*text, &item, &ignored) < 0 || item.kind != EGRESS_PREFIX || item.excluded ||
		    pool_of(policy, item.prefix.family == AF_INET6))
			continue;
		policy_report(policy, KEY_NETWORK_EGRESS, SEVERITY_WARNING, diag,
			      "network.egress: '%s' is never reached: network.pool has no %s prefix", *text,
			      item.prefix.family == AF_INET ? "IPv4" : "IPv6");
	}
}

bool check_veth(const struct policy *policy, struct diagnostics *diag)
{
	bool good;

	if (policy->network.mode != NETWORK_VETH)
		return true;
	good = check_pool(policy, diag);
	if (!policy->pid.isolate) {
		policy_report(
			policy, KEY_PID_ISOLATE, SEVERITY_ERROR, diag,
			"pid.isolate: 'false' with network.mode = \"veth\": processes that the user leaves running "
			"would keep the network, with an address that the next session gets");
		good = false;
	}
	good &= check_connections(policy, diag);
	advise_pool(policy, diag);
	advise_egress(policy, diag);
	return good;
}
