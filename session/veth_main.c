/* SPDX-License-Identifier: BSD-3-Clause OR GPL-2.0-or-later */

/*
 * nsisolate-veth, which the session helper starts for a session with network.mode "veth": in the login process's
 * network namespace, with an empty environment and a socket to the helper as descriptor 3. While the helper makes the
 * session's init it sees to the rules; then, given the session's network namespace, it makes the interface, answers,
 * and exits. In mode audit it only says what would be refused. It is a program of its own because libmnl comes as a
 * shared library only, and the helper is static.
 */

#include "config/text_list.h"
#include "session/connections.h"
#include "session/firewall.h"
#include "session/firewall_sweep.h"
#include "session/forwarding.h"
#include "session/helper_process.h"
#include "session/network_order.h"
#include "session/network_state.h"
#include "session/resolver.h"
#include "session/veth.h"

#include <signal.h>
#include <string.h>
#include <sys/prctl.h>

/* Longer than the helper waits: it only ends what the helper can no longer end. */
#define LIFE_SECONDS     30
#define ORDER_TIMEOUT_MS 10000

static int answer(const char *outcome, const char *first, const char *second)
{
	_cleanup_(message_release) struct message message = { 0 };

	message_put(&message, PROTOCOL_VERSION);
	message_put(&message, outcome);
	message_put(&message, first);
	if (second)
		message_put(&message, second);
	return message_send(PROTOCOL_HELPER_FD, &message, NULL, 0);
}

/* 1: it was said, and this program fails. */
static int refuse(const char *problem, int error)
{
	(void)answer("failed", problem ? problem : strerror(-error), NULL);
	return 1;
}

static int receive_order(struct network_order *ret)
{
	_cleanup_(message_release) struct message message = { 0 };
	int fds[NETWORK_POOLS_MAX];
	size_t count = ELEMENTS(fds);
	int r = message_receive(PROTOCOL_HELPER_FD, ORDER_TIMEOUT_MS, &message, fds, &count);

	return r < 0 ? r : network_order_decode(&message, fds, count, ret);
}

/* The network namespace, once the helper has made it; or -errno. */
static int receive_namespace(void)
{
	_cleanup_(message_release) struct message message = { 0 };
	size_t count = 1;
	int fd = -1;
	int r = message_receive(PROTOCOL_HELPER_FD, ORDER_TIMEOUT_MS, &message, &fd, &count);

	return r < 0 ? r : count == 1 ? fd : -EBADMSG;
}

/* What the host's side of a session depends on. */
struct side {
	struct netlink route, netfilter;
	int directory;
	int hold; /* of the rules */
	struct firewall_rules rules;
};

static int compose(struct side *side, const struct network_order *order, char **ret_problem)
{
	struct firewall_order firewall = { .pool = order->pool,
					   .egress = order->egress,
					   .masquerade = order->masquerade,
					   .connections = order->connections };
	int r = 0;

	if (firewall_needs_servers(order->egress))
		r = resolver_read(order->resolver, &firewall, ret_problem);
	if (r == 0)
		r = forwarding_check(&side->route, &firewall, ret_problem);
	return r == 0 ? firewall_compose(&firewall, &side->rules) : r;
}

/* Everything that does not need the session: rules, held by side->hold, and forwarding. */
static int prepare(struct side *side, const struct network_order *order, struct veth *veth, char **ret_problem)
{
	int r = compose(side, order, ret_problem);

	if (r == 0)
		r = side->directory = network_directory_open();
	if (r >= 0)
		r = side->hold = firewall_hold(side->directory, false);
	if (r >= 0)
		r = netlink_open(NETLINK_NETFILTER, &side->netfilter);
	if (r == 0)
		r = connections_usage(&side->netfilter, &veth->usage, ret_problem);
	if (r < 0)
		return r;
	if (order->check_only)
		return firewall_check_ensure(&side->netfilter, side->directory, &side->rules, ret_problem);
	r = firewall_ensure(&side->netfilter, side->directory, &side->rules, ret_problem);
	if (r == FIREWALL_LOADED)
		r = firewall_sweep(side->directory, side->hold, side->rules.name);
	return r < 0 ? r : 0;
}

/* Looks at the rules once more: they may have been flushed before there was an interface for an audit to see. */
static int finish(struct side *side, int network_namespace, struct veth *veth, char **ret_problem)
{
	int r;

	veth->hold = side->hold;
	r = veth_make(&side->route, network_namespace, side->rules.name, veth, ret_problem);
	if (r == 0)
		r = firewall_ensure(&side->netfilter, side->directory, &side->rules, ret_problem);
	return r < 0 ? r : 0;
}

static int set_pools(const struct network_order *order, struct veth *veth)
{
	for (size_t i = 0; i < VETH_FAMILIES; i++)
		veth->pools[i].locks = -1;
	for (size_t i = 0; i < order->lock_count; i++) {
		_cleanup_free_ char *ignored = NULL;
		struct prefix prefix;
		struct veth_pool *pool;
		int r = prefix_parse(order->pool[i], &prefix, &ignored);

		if (r < 0)
			return r;
		pool = &veth->pools[prefix.family == AF_INET ? 0 : 1];
		if (pool->locks >= 0)
			return -EBADMSG;
		*pool = (struct veth_pool){ .locks = order->locks[i], .prefix = prefix };
	}
	return 0;
}

static int answer_ready(const struct veth *veth)
{
	char addresses[VETH_FAMILIES * PREFIX_TEXT_SIZE] = "", one[PREFIX_TEXT_SIZE], *end = addresses;

	for (size_t i = 0; i < VETH_FAMILIES; i++)
		if (veth->pools[i].locks >= 0)
			end = stpcpy(stpcpy(end, end == addresses ? "" : ","),
				     prefix_format(&veth->pools[i].address, one));
	return answer("ready", veth->name, addresses) < 0;
}

int main(void)
{
	_cleanup_(network_order_release) struct network_order order = { 0 };
	_cleanup_free_ char *problem = NULL;
	_cleanup_close_ int network_namespace = -1;
	struct side side = { .directory = -1, .hold = -1 };
	struct veth veth;
	int r;

	signals_let_in();
	(void)alarm(LIFE_SECONDS);
	if (prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0) < 0)
		return 1;
	r = receive_order(&order);
	if (r == 0)
		r = netlink_open(NETLINK_ROUTE, &side.route);
	if (r == 0)
		r = set_pools(&order, &veth);
	if (r == 0)
		r = prepare(&side, &order, &veth, &problem);
	if (r == 0 && order.check_only)
		return answer("ready", "", "") < 0;
	/* awaited whatever has happened: an answer is lost when its sender ends with a message unread, unix(7) */
	if (!order.check_only)
		network_namespace = receive_namespace();
	if (r < 0)
		return refuse(problem, r);
	if (network_namespace < 0)
		return 1;
	r = finish(&side, network_namespace, &veth, &problem);
	return r < 0 ? refuse(problem, r) : answer_ready(&veth);
}
