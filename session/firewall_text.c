/* SPDX-License-Identifier: BSD-3-Clause OR GPL-2.0-or-later */
#include "session/firewall_text.h"

#include "config/egress.h"
#include "config/hash.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#define REJECT   "counter reject with icmpx admin-prohibited"
#define UNNAMED  "ns000000" /* in place of the name while the text is hashed */
#define DNS_PORT 53

/*
 * What "any" and every wider prefix leave out: nothing that a router forwards, or where clouds hand out the machine's
 * own credentials. An item that names one of them, or a part, is obeyed.
 */
static const char *const special[] = {
	"0.0.0.0/8", "127.0.0.0/8", "169.254.0.0/16", "224.0.0.0/3",   "100.100.100.200",
	"fe80::/10", "ff00::/8",    "::/80",          "fd00:ec2::254",
};

static const char *const chains[] = { "source", "input", "forward", "output", "masquerade", "host", "from", "to" };
static const char *const sets[] = { "4", "6" };

struct writer {
	FILE *out;
	const char *name;
	const struct firewall_order *order;
	struct egress *items;
	size_t count;
};

static const char *family_name(int family)
{
	return family == AF_INET ? "ip" : "ip6";
}

static bool is_special(const struct prefix *prefix)
{
	_cleanup_free_ char *ignored = NULL;
	struct prefix range;

	for (size_t i = 0; i < ELEMENTS(special); i++)
		if (prefix_parse(special[i], &range, &ignored) == 0 && prefix_holds(&range, prefix))
			return true;
	return false;
}

static bool has_family(const struct writer *writer, int family)
{
	for (char *const *pool = writer->order->pool; pool && *pool; pool++)
		if ((strchr(*pool, ':') ? AF_INET6 : AF_INET) == family)
			return true;
	return false;
}

static const char *family_of(const char *prefix)
{
	return family_name(strchr(prefix, ':') ? AF_INET6 : AF_INET);
}

/* One accepting rule; match is what goes before the protocol, with a space behind it. */
static void accept_rule(const struct writer *writer, const char *match, const char *protocol, const char *comment)
{
	(void)fprintf(writer->out, "\t\t%s%s counter accept comment \"%s\"\n", match, protocol, comment);
}

static void accept_ports(const struct writer *writer, const struct egress *item, const char *match,
			 const char *protocol, const char *comment)
{
	char text[64];

	if (item->port_count == 0) {
		(void)snprintf(text, sizeof(text), "meta l4proto %s", protocol);
		accept_rule(writer, match, text, comment);
	}
	/* a rule for each: a set of ports would be an object of its own, to be watched like the rules */
	for (size_t i = 0; i < item->port_count; i++) {
		if (item->ports[i].from == item->ports[i].to)
			(void)snprintf(text, sizeof(text), "%s dport %u", protocol, (unsigned)item->ports[i].from);
		else
			(void)snprintf(text, sizeof(text), "%s dport %u-%u", protocol, (unsigned)item->ports[i].from,
				       (unsigned)item->ports[i].to);
		accept_rule(writer, match, text, comment);
	}
}

static void accept_item(const struct writer *writer, const struct egress *item, const char *comment)
{
	char prefix[PREFIX_TEXT_SIZE], match[PREFIX_TEXT_SIZE + 16] = "";
	const bool only4 = item->kind == EGRESS_PREFIX && item->prefix.family == AF_INET;
	const bool only6 = item->kind == EGRESS_PREFIX && item->prefix.family == AF_INET6;
	const bool all = item->protocol == EGRESS_ALL;

	/* nft(8) leaves a match of every address out: then nothing but this says which family is meant */
	if (item->kind == EGRESS_PREFIX && item->prefix.bits == 0)
		(void)snprintf(match, sizeof(match), "meta nfproto ipv%c ", only4 ? '4' : '6');
	else if (item->kind == EGRESS_PREFIX)
		(void)snprintf(match, sizeof(match), "%s daddr %s ", family_name(item->prefix.family),
			       prefix_format(&item->prefix, prefix));
	if (all || item->protocol == EGRESS_TCP)
		accept_ports(writer, item, match, "tcp", comment);
	if (all || item->protocol == EGRESS_UDP)
		accept_ports(writer, item, match, "udp", comment);
	if ((all || item->protocol == EGRESS_ICMP) && !only6)
		accept_rule(writer, match, "icmp type echo-request", comment);
	if ((all || item->protocol == EGRESS_ICMP) && !only4)
		accept_rule(writer, match, "icmpv6 type echo-request", comment);
}

static void accept_servers(const struct writer *writer, const char *comment)
{
	struct egress item = { .kind = EGRESS_PREFIX, .ports = { { DNS_PORT, DNS_PORT } }, .port_count = 1 };

	for (size_t i = 0; i < writer->order->server_count; i++) {
		item.prefix = writer->order->servers[i];
		item.protocol = EGRESS_UDP;
		accept_item(writer, &item, comment);
		item.protocol = EGRESS_TCP;
		accept_item(writer, &item, comment);
	}
}

/* The items for which `wanted` is true, each with its own text as the comment. */
static void accept_items(const struct writer *writer, bool (*wanted)(const struct egress *item))
{
	for (size_t i = 0; i < writer->count; i++) {
		char comment[128];

		if (!wanted(&writer->items[i]))
			continue;
		(void)snprintf(comment, sizeof(comment), "egress %.100s", writer->order->egress[i]);
		if (writer->items[i].kind == EGRESS_DNS)
			accept_servers(writer, comment);
		else
			accept_item(writer, &writer->items[i], comment);
	}
}

static bool names_special(const struct egress *item)
{
	return !item->excluded &&
	       (item->kind == EGRESS_DNS || (item->kind == EGRESS_PREFIX && is_special(&item->prefix)));
}

static bool names_network(const struct egress *item)
{
	return !item->excluded && !names_special(item) && item->kind != EGRESS_HOST;
}

static bool names_host(const struct egress *item)
{
	return item->kind == EGRESS_HOST || item->kind == EGRESS_DNS;
}

/* No connection that a helper of the kernel expects, as FTP's. */
static void accept_answers(const struct writer *writer)
{
	(void)fputs("\t\tct state established accept\n", writer->out);
}

/*
 * Towards a session alone. One that a session sends is about any connection that the kernel knows, the host's own too,
 * goes to whoever has it, and says what the session likes.
 */
static void accept_errors(const struct writer *writer)
{
	(void)fputs("\t\tmeta l4proto icmp ct state related accept\n"
		    "\t\tmeta l4proto icmpv6 ct state related accept\n",
		    writer->out);
}

/* The connections that the host keeps for a session are the host's memory. */
static void limit_connections(const struct writer *writer)
{
	(void)fprintf(
		writer->out,
		"\t\tct state != new counter drop comment \"of no connection\"\n"
		"\t\tadd @%s-4 { ip saddr ct count over %" PRIu64 " } counter drop comment \"too many connections\"\n"
		"\t\tadd @%s-6 { ip6 saddr ct count over %" PRIu64 " } counter drop comment \"too many connections\"\n",
		writer->name, writer->order->connections, writer->name, writer->order->connections);
}

/* Before fragments are put together and connections are looked up: what is forged costs the host nothing. */
static void write_source(const struct writer *writer)
{
	(void)fprintf(writer->out,
		      "\tchain %s-source {\n\t\ttype filter hook prerouting priority -450; policy accept;\n"
		      "\t\tiifname != \"%s*\" accept\n",
		      writer->name, writer->name);
}

static void write_pool_rules(const struct writer *writer)
{
	/* what an IPv6 stack says on its link by itself: neighbours are known here, and nobody answers */
	(void)fputs("\t\tip6 saddr fe80::/10 drop\n\t\tip6 saddr :: drop\n", writer->out);
	for (char *const *pool = writer->order->pool; pool && *pool; pool++)
		(void)fprintf(writer->out, "\t\t%s saddr != %s counter drop comment \"forged source\"\n",
			      family_of(*pool), *pool);
	if (!has_family(writer, AF_INET))
		(void)fputs("\t\tmeta nfproto ipv4 counter drop comment \"forged source\"\n", writer->out);
	if (!has_family(writer, AF_INET6))
		(void)fputs("\t\tmeta nfproto ipv6 counter drop comment \"forged source\"\n", writer->out);
	(void)fputs("\t\tfib saddr . iif oif missing counter drop comment \"forged source\"\n\t}\n", writer->out);
}

static void write_hooks(const struct writer *writer)
{
	const char *name = writer->name;

	(void)fprintf(writer->out,
		      "\tchain %s-input {\n\t\ttype filter hook input priority filter; policy accept;\n"
		      "\t\tiifname \"%s*\" goto %s-host\n\t}\n"
		      "\tchain %s-output {\n\t\ttype filter hook output priority filter; policy accept;\n"
		      "\t\toifname \"%s*\" goto %s-to\n\t}\n"
		      "\tchain %s-forward {\n\t\ttype filter hook forward priority filter; policy accept;\n"
		      "\t\tiifname \"%s*\" goto %s-from\n"
		      "\t\toifname \"%s*\" goto %s-to\n",
		      name, name, name, name, name, name, name, name, name, name, name);
	/* else a packet for an address that no session has goes back to the router that sent it, again and again */
	for (char *const *pool = writer->order->pool; pool && *pool; pool++)
		(void)fprintf(writer->out,
			      "\t\toifgroup != %d %s daddr %s counter drop comment \"no session's address\"\n",
			      FIREWALL_GROUP, family_of(*pool), *pool);
	(void)fputs("\t}\n", writer->out);
}

static void write_masquerade(const struct writer *writer)
{
	if (!writer->order->masquerade)
		return;
	(void)fprintf(writer->out,
		      "\tchain %s-masquerade {\n\t\ttype nat hook postrouting priority srcnat; policy accept;\n",
		      writer->name);
	for (char *const *pool = writer->order->pool; pool && *pool; pool++)
		(void)fprintf(writer->out, "\t\tiifname \"%s*\" %s saddr %s masquerade\n", writer->name,
			      family_of(*pool), *pool);
	(void)fputs("\t}\n", writer->out);
}

static void reject_prefix(const struct writer *writer, const char *prefix, const char *comment)
{
	(void)fprintf(writer->out, "\t\t%s daddr %s " REJECT " comment \"%s\"\n", family_of(prefix), prefix, comment);
}

static void reject_excluded(const struct writer *writer)
{
	for (size_t i = 0; i < writer->count; i++) {
		const struct egress *item = &writer->items[i];
		char prefix[PREFIX_TEXT_SIZE], comment[PREFIX_TEXT_SIZE + 16];

		if (!item->excluded)
			continue;
		(void)snprintf(comment, sizeof(comment), "egress %s", writer->order->egress[i]);
		if (item->prefix.bits > 0)
			reject_prefix(writer, prefix_format(&item->prefix, prefix), comment);
		else
			(void)fprintf(writer->out, "\t\tmeta nfproto ipv%c " REJECT " comment \"%s\"\n",
				      item->prefix.family == AF_INET ? '4' : '6', comment);
	}
}

static void write_host(const struct writer *writer)
{
	(void)fprintf(writer->out, "\tchain %s-host {\n", writer->name);
	accept_answers(writer);
	limit_connections(writer);
	reject_excluded(writer);
	accept_items(writer, names_host);
	(void)fputs("\t\t" REJECT " comment \"this machine\"\n\t}\n", writer->out);
}

static void write_from(const struct writer *writer)
{
	(void)fprintf(writer->out,
		      "\tchain %s-from {\n"
		      "\t\toifgroup %d " REJECT " comment \"another session\"\n"
		      "\t\tct status dnat " REJECT " comment \"redirected by this machine\"\n",
		      writer->name, FIREWALL_GROUP);
	accept_answers(writer);
	limit_connections(writer);
	reject_excluded(writer);
	accept_items(writer, names_special);
	for (size_t i = 0; i < ELEMENTS(special); i++)
		reject_prefix(writer, special[i], "special address");
	for (char *const *pool = writer->order->pool; pool && *pool; pool++)
		reject_prefix(writer, *pool, "another session");
	accept_items(writer, names_network);
	(void)fputs("\t\t" REJECT " comment \"not in egress\"\n\t}\n", writer->out);
}

static void write_to(const struct writer *writer)
{
	(void)fprintf(writer->out, "\tchain %s-to {\n", writer->name);
	accept_answers(writer);
	accept_errors(writer);
	/* what the machine says on every link by itself */
	(void)fputs("\t\tip6 daddr ff00::/8 drop\n\t\tcounter drop comment \"to a session\"\n\t}\n", writer->out);
}

/* Each is there then, if it was not before, and empty: so that it can be deleted, whatever it was. */
static void write_removal(const struct writer *writer)
{
	(void)fputs("add table inet " FIREWALL_TABLE "\n", writer->out);
	for (size_t i = 0; i < ELEMENTS(chains); i++)
		(void)fprintf(writer->out, "add chain inet " FIREWALL_TABLE " %s-%s\n", writer->name, chains[i]);
	for (size_t i = 0; i < ELEMENTS(chains); i++)
		(void)fprintf(writer->out, "flush chain inet " FIREWALL_TABLE " %s-%s\n", writer->name, chains[i]);
	for (size_t i = 0; i < ELEMENTS(chains); i++)
		(void)fprintf(writer->out, "delete chain inet " FIREWALL_TABLE " %s-%s\n", writer->name, chains[i]);
	for (size_t i = 0; i < ELEMENTS(sets); i++)
		(void)fprintf(writer->out,
			      "add set inet " FIREWALL_TABLE " %s-%s { type ipv%s_addr; size 65535; flags dynamic; }\n"
			      "delete set inet " FIREWALL_TABLE " %s-%s\n",
			      writer->name, sets[i], sets[i], writer->name, sets[i]);
}

static void write_rules(const struct writer *writer)
{
	write_removal(writer);
	(void)fputs("table inet " FIREWALL_TABLE " {\n", writer->out);
	for (size_t i = 0; i < ELEMENTS(sets); i++)
		(void)fprintf(writer->out,
			      "\tset %s-%s {\n\t\ttype ipv%s_addr\n\t\tsize 65535\n\t\tflags dynamic\n\t}\n",
			      writer->name, sets[i], sets[i]);
	write_to(writer);
	write_host(writer);
	write_from(writer);
	write_source(writer);
	write_pool_rules(writer);
	write_hooks(writer);
	write_masquerade(writer);
	(void)fputs("}\n", writer->out);
}

/* Malloced; NULL when memory ran out. */
static char *write_whole(const struct writer *like, const char *name, void (*write)(const struct writer *writer))
{
	struct writer writer = *like;
	char *text = NULL;
	size_t size = 0;

	writer.name = name;
	writer.out = open_memstream(&text, &size);
	if (!writer.out)
		return NULL;
	write(&writer);
	if (fclose(writer.out) == 0)
		return text;
	free(text);
	return NULL;
}

static void make_name(uint64_t hash, char ret[FIREWALL_NAME_LENGTH + 1])
{
	static const char digits[] = "abcdefghijklmnopqrstuvwxyz234567";
	char *end = stpcpy(ret, "ns");

	for (unsigned i = 0; i < FIREWALL_NAME_LENGTH - 2; i++, hash >>= 5)
		*end++ = digits[hash % 32];
	*end = '\0';
}

static int parse_items(char *const *egress, struct egress **ret, size_t *ret_count)
{
	_cleanup_free_ struct egress *items = NULL;
	size_t count = 0;

	while (egress && egress[count])
		count++;
	items = calloc(count + 1, sizeof(*items));
	if (!items)
		return -ENOMEM;
	for (size_t i = 0; i < count; i++) {
		_cleanup_free_ char *ignored = NULL;
		int r = egress_parse(egress[i], &items[i], &ignored);

		if (r < 0)
			return r;
	}
	*ret = TAKE_PTR(items);
	*ret_count = count;
	return 0;
}

bool firewall_needs_servers(char *const *egress)
{
	for (; egress && *egress; egress++)
		if (strcmp(*egress, "dns") == 0)
			return true;
	return false;
}

void firewall_rules_release(struct firewall_rules *rules)
{
	free(rules->text);
	free(rules->unload);
	*rules = (struct firewall_rules){ 0 };
}

int firewall_compose(const struct firewall_order *order, struct firewall_rules *ret)
{
	_cleanup_(firewall_rules_release) struct firewall_rules rules = { 0 };
	_cleanup_free_ struct egress *items = NULL;
	_cleanup_free_ char *unnamed = NULL;
	struct writer writer = { .order = order };
	int r = parse_items(order->egress, &items, &writer.count);

	if (r < 0)
		return r;
	writer.items = items;
	unnamed = write_whole(&writer, UNNAMED, write_rules);
	if (!unnamed)
		return -ENOMEM;
	rules.hash = hash_add(HASH_START, unnamed, strlen(unnamed));
	make_name(rules.hash, rules.name);
	rules.text = write_whole(&writer, rules.name, write_rules);
	rules.unload = write_whole(&writer, rules.name, write_removal);
	if (!rules.text || !rules.unload)
		return -ENOMEM;
	*ret = rules;
	rules = (struct firewall_rules){ 0 };
	return 0;
}
