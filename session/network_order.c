/* SPDX-License-Identifier: BSD-3-Clause OR GPL-2.0-or-later */
#include "session/network_order.h"

#include "config/network.h"
#include "config/text_list.h"
#include "session/resolver.h"

#include <string.h>

#define ITEMS_MAX 100000 /* far beyond what a policy file can have */

static void put_list(struct message *message, char *const *list)
{
	message_put_number(message, text_list_count(list));
	for (; list && *list; list++)
		message_put(message, *list);
}

static int get_list(struct message_reader *reader, uint64_t max, char ***ret)
{
	uint64_t count = message_get_number(reader, max);
	int r = 0;

	for (uint64_t i = 0; r == 0 && i < count && reader->error == 0; i++)
		r = text_list_add(ret, message_get(reader));
	return r;
}

void network_order_encode(const struct policy *policy, struct message *message)
{
	message_put(message, PROTOCOL_VERSION);
	message_put_number(message, policy->mode == MODE_AUDIT);
	message_put_number(message, policy->network.masquerade);
	message_put_number(message, policy->network.connections);
	message_put(message, resolver_file(policy));
	put_list(message, policy->network.pool);
	put_list(message, policy->network.egress);
}

void network_order_release(struct network_order *order)
{
	for (size_t i = 0; i < order->lock_count; i++)
		close_fd(order->locks[i]);
	text_list_free(order->pool);
	text_list_free(order->egress);
	free(order->resolver);
	*order = (struct network_order){ 0 };
}

int network_order_decode(const struct message *message, const int *fds, size_t fd_count, struct network_order *ret)
{
	_cleanup_(network_order_release) struct network_order order = { 0 };
	struct message_reader reader = message_read(message);
	bool same = strcmp(message_get(&reader), PROTOCOL_VERSION) == 0;
	int r;

	for (size_t i = 0; i < fd_count; i++) {
		if (order.lock_count < NETWORK_POOLS_MAX)
			order.locks[order.lock_count++] = fds[i];
		else
			close_fd(fds[i]);
	}
	if (!same)
		return -EPROTO;
	order.check_only = message_get_number(&reader, 1) != 0;
	order.masquerade = message_get_number(&reader, 1) != 0;
	order.connections = message_get_number(&reader, NETWORK_CONNECTIONS_MAX);
	order.resolver = strdup(message_get(&reader));
	if (!order.resolver)
		return -ENOMEM;
	r = get_list(&reader, NETWORK_POOLS_MAX, &order.pool);
	if (r == 0)
		r = get_list(&reader, ITEMS_MAX, &order.egress);
	if (r < 0)
		return r;
	if (!message_at_end(&reader) || fd_count > NETWORK_POOLS_MAX ||
	    order.lock_count != (order.check_only ? 0 : text_list_count(order.pool)))
		return -EBADMSG;
	*ret = order;
	order = (struct network_order){ 0 };
	return 0;
}
