/* SPDX-License-Identifier: BSD-3-Clause OR GPL-2.0-or-later */
#include "tools/show.h"

#include "session/firewall.h"
#include "session/network_state.h"
#include "session/veth_list.h"

#include <string.h>

static int show_rule(const struct firewall_counter *counter, void *data)
{
	json_object *object = document_object(data, NULL);

	document_text(object, "rule", counter->comment);
	document_text(object, "verdict", counter->accepts ? "accept" : "deny");
	document_number(object, "packets", counter->packets);
	document_number(object, "bytes", counter->bytes);
	return 0;
}

/* The rules are those of every session under the same policy, and so are their counters. */
static void show_rules(json_object *document, const char *name, json_object *differences)
{
	static const char *const words[] = {
		[FIREWALL_CHANGED] = "are not as they were loaded",
		[FIREWALL_MISSING] = "are gone",
	};
	_cleanup_close_ int directory = network_directory_look();
	enum firewall_state state = FIREWALL_INTACT;
	struct firewall_view view;
	struct netlink netlink;
	int r = directory < 0 ? directory : netlink_open(NETLINK_NETFILTER, &netlink);

	if (r < 0) {
		show_differ(differences, "firewall rules cannot be read: %s", strerror(-r));
		return;
	}
	r = firewall_check(&netlink, directory, name, &state);
	if (r == 0 && state != FIREWALL_INTACT)
		show_differ(differences, "the firewall rules %s %s", name, words[state]);
	if (r == 0 && state != FIREWALL_MISSING)
		r = firewall_read(&netlink, name, &view, show_rule, document_array(document, "firewall"));
	if (r < 0)
		show_differ(differences, "firewall rules cannot be read: %s", strerror(-r));
	netlink_close(&netlink);
}

static void show_link(json_object *object, const char *name, json_object *differences)
{
	struct veth_list list = { 0 };
	const struct veth_link *link = NULL;
	struct netlink netlink;
	int r = netlink_open(NETLINK_ROUTE, &netlink);

	if (r == 0) {
		r = veth_list_read(&netlink, &list);
		netlink_close(&netlink);
	}
	if (r == 0)
		link = veth_list_find(&list, name);
	if (r < 0)
		show_differ(differences, "interfaces of the host cannot be read: %s", strerror(-r));
	else if (!link)
		show_differ(differences, "its interface %s is gone", name);
	else if (!link->up || !link->group)
		show_differ(differences, "its interface %s is %s", name, link->up ? "in another group" : "down");
	document_text(object, "state", link ? link->up ? "up" : "down" : NULL);
	veth_list_release(&list);
}

void show_network(json_object *document, const struct session *session, json_object *differences)
{
	const struct record *record = &session->view.record;
	char rules[FIREWALL_NAME_LENGTH + 1];
	json_object *object;

	/* inside a session root writes what they like, and no session there has an interface on the host */
	if (!session->view.valid || session->inside || !*record->interface)
		return;
	object = document_object(document, "network");
	document_text(object, "interface", record->interface);
	show_link(object, record->interface, differences);
	document_text(object, "addresses", record->addresses);
	(void)snprintf(rules, sizeof(rules), "%.*s", FIREWALL_NAME_LENGTH, record->interface);
	if (!firewall_is_name(rules))
		return;
	document_text(object, "rules", rules);
	show_rules(document, rules, differences);
}
