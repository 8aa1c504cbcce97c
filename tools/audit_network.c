/* SPDX-License-Identifier: BSD-3-Clause OR GPL-2.0-or-later */

/* What sessions with network.mode "veth" have on the host's side: rules, interfaces, forwarding. */

#include "tools/audit.h"

#include "config/text_list.h"
#include "session/firewall.h"
#include "session/forwarding.h"
#include "session/network_state.h"
#include "session/veth_list.h"

#include <string.h>

static bool has_interface(const struct session *session)
{
	return session_is_alive(session) && session->view.valid && !session->inside && *session->view.record.interface;
}

/* An interface whose name begins with these bytes. */
static bool any_has_interface(const struct look *look, const char *start, size_t length)
{
	for (size_t i = 0; i < look->sessions.count; i++) {
		const struct session *session = look->sessions.items[i];

		if (has_interface(session) && strncmp(session->view.record.interface, start, length) == 0)
			return true;
	}
	return false;
}

/* An interface's name begins with that of the rules that it is under. */
static bool any_is_under(const struct look *look, const char *rules)
{
	return any_has_interface(look, rules, strlen(rules));
}

/*
 * What cannot be asked is no finding: only root can, and only on the host. Rules that are gone, and that nobody is
 * under, are loaded again by the next login that needs them.
 */
static int judge_rules(struct look *look, struct netlink *netlink, int directory, const char *name)
{
	const struct subject subject = { .text = name };
	enum firewall_state state;

	if (firewall_check(netlink, directory, name, &state) < 0 || state == FIREWALL_INTACT ||
	    (state == FIREWALL_MISSING && !any_is_under(look, name)))
		return 0;
	return findings_add(&look->findings, FINDING_FIREWALL, &subject,
			    "the rules %s of table inet " FIREWALL_TABLE " %s", name,
			    state == FIREWALL_MISSING ? "are gone" : "are not as they were loaded");
}

static int judge_all_rules(struct look *look)
{
	_cleanup_close_ int directory = network_directory_look();
	_cleanup_(text_list_freep) char **names = NULL;
	struct netlink netlink;
	int r = 0;

	if (directory < 0 || firewall_names(directory, &names) < 0 || netlink_open(NETLINK_NETFILTER, &netlink) < 0)
		return 0;
	for (char **name = names; r == 0 && name && *name; name++)
		r = judge_rules(look, &netlink, directory, *name);
	netlink_close(&netlink);
	return r;
}

static int judge_interface(struct look *look, const struct session *session, const struct veth_list *links)
{
	const struct record *record = &session->view.record;
	const struct veth_link *link = veth_list_find(links, record->interface);
	const struct subject subject = { .text = session->view.name, .user = record->user };
	const char *what = !link          ? "is gone, or has another name"
			   : !link->up    ? "is down"
			   : !link->group ? "is in another group, by which other sessions' rules do not know it"
					  : NULL;

	return what ? findings_add(&look->findings, FINDING_INTERFACE, &subject, "its interface %s %s",
				   record->interface, what)
		    : 0;
}

static bool is_sessions(const struct look *look, const char *name)
{
	return any_has_interface(look, name, strlen(name) + 1);
}

static int judge_links(struct look *look, const struct veth_list *links)
{
	int r = 0;

	for (size_t i = 0; r == 0 && i < look->sessions.count; i++)
		if (has_interface(look->sessions.items[i]))
			r = judge_interface(look, look->sessions.items[i], links);
	for (size_t i = 0; r == 0 && i < links->count; i++) {
		const struct subject subject = { .text = links->items[i].name };

		if (!is_sessions(look, links->items[i].name))
			r = findings_add(&look->findings, FINDING_INTERFACE_LEFT, &subject,
					 "the interface %s is named or grouped as a session's, and no session has it",
					 links->items[i].name);
	}
	return r;
}

int audit_forwarding(struct look *look, const struct session *session, const struct policy *policy)
{
	const struct subject subject = { .text = policy->file };
	const struct firewall_order order = { .pool = policy->network.pool, .egress = policy->network.egress };
	_cleanup_free_ char *problem = NULL;
	struct netlink netlink;
	int r;

	if (!has_interface(session) || policy->network.mode != NETWORK_VETH ||
	    netlink_open(NETLINK_ROUTE, &netlink) < 0)
		return 0;
	r = forwarding_check(&netlink, &order, &problem);
	netlink_close(&netlink);
	if (r != -ENETUNREACH || !problem)
		return 0;
	return findings_add(&look->findings, FINDING_FORWARDING, &subject, "%s", problem);
}

int audit_network(struct look *look)
{
	struct veth_list links = { 0 };
	struct netlink netlink;
	int r = judge_all_rules(look);

	if (r < 0 || netlink_open(NETLINK_ROUTE, &netlink) < 0)
		return r;
	if (veth_list_read(&netlink, &links) == 0)
		r = judge_links(look, &links);
	veth_list_release(&links);
	netlink_close(&netlink);
	return r;
}
