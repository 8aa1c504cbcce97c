/* SPDX-License-Identifier: BSD-3-Clause OR GPL-2.0-or-later */
#include "session/veth_list.h"

#include "session/firewall.h"

#include <linux/if_link.h>
#include <linux/rtnetlink.h>
#include <string.h>

bool veth_is_ours_by_name(const char *name)
{
	char rules[FIREWALL_NAME_LENGTH + 1];

	(void)snprintf(rules, sizeof(rules), "%.*s", FIREWALL_NAME_LENGTH, name);
	return firewall_is_name(rules) && strlen(name) == IF_NAMESIZE - 1 &&
	       strspn(name, "abcdefghijklmnopqrstuvwxyz234567") == IF_NAMESIZE - 1;
}

static void read_attributes(const struct nlmsghdr *message, struct veth_link *link)
{
	const void *from = mnl_nlmsg_get_payload_offset(message, sizeof(struct ifinfomsg));
	const size_t size = mnl_nlmsg_get_payload_len(message) - MNL_ALIGN(sizeof(struct ifinfomsg));
	const struct nlattr *attribute = NULL;

	while ((attribute = netlink_next(from, size, attribute))) {
		if (mnl_attr_get_type(attribute) == IFLA_IFNAME)
			(void)snprintf(link->name, sizeof(link->name), "%s", mnl_attr_get_str(attribute));
		else if (mnl_attr_get_type(attribute) == IFLA_GROUP)
			link->group = mnl_attr_get_u32(attribute) == FIREWALL_GROUP;
	}
}

static int add_link(const struct nlmsghdr *message, void *data)
{
	const struct ifinfomsg *header = mnl_nlmsg_get_payload(message);
	struct veth_link link = { .up = (header->ifi_flags & IFF_UP) != 0 }, *items;
	struct veth_list *list = data;

	read_attributes(message, &link);
	if (!link.group && !veth_is_ours_by_name(link.name))
		return MNL_CB_OK;
	items = reallocarray(list->items, list->count + 1, sizeof(*items));
	if (!items) {
		errno = ENOMEM;
		return MNL_CB_ERROR;
	}
	list->items = items;
	items[list->count++] = link;
	return MNL_CB_OK;
}

void veth_list_release(struct veth_list *list)
{
	free(list->items);
	*list = (struct veth_list){ 0 };
}

int veth_list_read(struct netlink *netlink, struct veth_list *ret)
{
	_Alignas(struct nlmsghdr) char buffer[NETLINK_MESSAGE_MAX];
	int r = -EINTR;

	for (int i = 0; i < 20 && r == -EINTR; i++) {
		struct nlmsghdr *request = netlink_request(buffer, RTM_GETLINK, NLM_F_DUMP);

		(void)mnl_nlmsg_put_extra_header(request, sizeof(struct ifinfomsg));
		mnl_attr_put_u32(request, IFLA_EXT_MASK, RTEXT_FILTER_SKIP_STATS);
		*ret = (struct veth_list){ 0 };
		r = netlink_ask(netlink, request, add_link, ret);
		if (r < 0)
			veth_list_release(ret);
	}
	return r;
}

const struct veth_link *veth_list_find(const struct veth_list *list, const char *name)
{
	for (size_t i = 0; i < list->count; i++)
		if (strcmp(list->items[i].name, name) == 0)
			return &list->items[i];
	return NULL;
}
