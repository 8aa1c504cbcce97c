/* SPDX-License-Identifier: BSD-3-Clause OR GPL-2.0-or-later */

/* Rules as the kernel has them: nfnetlink's dumps of a table, its chains and their rules, linux/netfilter/nf_tables.h.
 */

#include "session/firewall.h"

#include "config/hash.h"

#include <arpa/inet.h>
#include <linux/netfilter.h>
#include <linux/netfilter/nf_tables.h>
#include <linux/netfilter/nfnetlink.h>
#include <string.h>

#define TRIES              20 /* of a list that changes while it is read */
#define UDATA_RULE_COMMENT 0  /* libnftnl's type of a comment in NFTA_RULE_USERDATA */

struct reading {
	const char *name;
	struct firewall_view view;
	unsigned chains;
	firewall_counter_fn each;
	void *data;
};

static struct nlmsghdr *ask_nftables(void *buffer, uint16_t message, uint16_t flags)
{
	struct nlmsghdr *request = netlink_request(buffer, (uint16_t)(NFNL_SUBSYS_NFTABLES << 8 | message), flags);
	struct nfgenmsg *header = mnl_nlmsg_put_extra_header(request, sizeof(*header));

	header->nfgen_family = NFPROTO_INET;
	header->version = NFNETLINK_V0;
	return request;
}

static const struct nlattr *find(const void *from, size_t size, uint16_t type)
{
	const struct nlattr *attribute = NULL;

	while ((attribute = netlink_next(from, size, attribute)))
		if (mnl_attr_get_type(attribute) == type)
			return attribute;
	return NULL;
}

static const struct nlattr *find_in(const struct nlattr *nest, uint16_t type)
{
	return nest ? find(mnl_attr_get_payload(nest), mnl_attr_get_payload_len(nest), type) : NULL;
}

static const struct nlattr *find_top(const struct nlmsghdr *message, uint16_t type)
{
	return find(mnl_nlmsg_get_payload_offset(message, sizeof(struct nfgenmsg)),
		    mnl_nlmsg_get_payload_len(message) - MNL_ALIGN(sizeof(struct nfgenmsg)), type);
}

static const char *text_of(const struct nlattr *attribute)
{
	return attribute && mnl_attr_validate(attribute, MNL_TYPE_NUL_STRING) >= 0 ? mnl_attr_get_str(attribute) : "";
}

static void add(struct reading *reading, const void *bytes, size_t size)
{
	reading->view.fingerprint = hash_add(reading->view.fingerprint, bytes, size);
}

static void add_attribute(struct reading *reading, const struct nlattr *attribute)
{
	if (attribute)
		add(reading, (const char *)attribute, mnl_attr_get_len(attribute));
}

/* "nsabcdef-from" of the rules nsabcdef. */
static const char *chain_of_ours(const struct reading *reading, const struct nlattr *attribute)
{
	const char *chain = text_of(attribute);
	const size_t length = strlen(reading->name);

	return strncmp(chain, reading->name, length) == 0 && chain[length] == '-' ? chain + length + 1 : NULL;
}

static int read_table(const struct nlmsghdr *message, void *data)
{
	/* "dormant" switches all of it off */
	add_attribute(data, find_top(message, NFTA_TABLE_FLAGS));
	return MNL_CB_OK;
}

static int read_chain(const struct nlmsghdr *message, void *data)
{
	static const uint16_t what[] = { NFTA_CHAIN_NAME, NFTA_CHAIN_HOOK, NFTA_CHAIN_POLICY, NFTA_CHAIN_TYPE,
					 NFTA_CHAIN_FLAGS };
	struct reading *reading = data;

	if (strcmp(text_of(find_top(message, NFTA_CHAIN_TABLE)), FIREWALL_TABLE) != 0 ||
	    !chain_of_ours(reading, find_top(message, NFTA_CHAIN_NAME)))
		return MNL_CB_OK;
	for (size_t i = 0; i < ELEMENTS(what); i++)
		add_attribute(reading, find_top(message, what[i]));
	reading->chains++;
	return MNL_CB_OK;
}

static uint64_t number_in(const struct nlattr *nest, uint16_t type)
{
	const struct nlattr *attribute = find_in(nest, type);

	return attribute && mnl_attr_get_payload_len(attribute) == sizeof(uint64_t)
		       ? be64toh(mnl_attr_get_u64(attribute))
		       : 0;
}

static bool verdict_accepts(const struct nlattr *expression_data)
{
	const struct nlattr *data = find_in(expression_data, NFTA_IMMEDIATE_DATA);
	const struct nlattr *code = find_in(find_in(data, NFTA_DATA_VERDICT), NFTA_VERDICT_CODE);

	return code && ntohl(mnl_attr_get_u32(code)) == NF_ACCEPT;
}

/* All of a rule but the numbers of its counter. */
static void read_expressions(struct reading *reading, const struct nlattr *expressions,
			     struct firewall_counter *counter)
{
	const struct nlattr *expression = NULL;

	while ((expression = netlink_next(mnl_attr_get_payload(expressions), mnl_attr_get_payload_len(expressions),
					  expression))) {
		const struct nlattr *name = find_in(expression, NFTA_EXPR_NAME),
				    *data = find_in(expression, NFTA_EXPR_DATA);

		add_attribute(reading, name);
		if (strcmp(text_of(name), "counter") == 0) {
			counter->packets = number_in(data, NFTA_COUNTER_PACKETS);
			counter->bytes = number_in(data, NFTA_COUNTER_BYTES);
			continue;
		}
		add_attribute(reading, data);
		if (strcmp(text_of(name), "immediate") == 0)
			counter->accepts = verdict_accepts(data);
	}
}

/* libnftnl keeps it as type, length, and a string with its end. */
static const char *comment_of(const struct nlattr *userdata)
{
	const unsigned char *at = userdata ? mnl_attr_get_payload(userdata) : NULL;
	size_t left = userdata ? mnl_attr_get_payload_len(userdata) : 0;

	while (left > 2 && (size_t)at[1] + 2 <= left) {
		if (at[0] == UDATA_RULE_COMMENT && at[1] > 0 && at[1 + at[1]] == '\0')
			return (const char *)at + 2;
		left -= (size_t)at[1] + 2;
		at += at[1] + 2;
	}
	return NULL;
}

static int read_rule(const struct nlmsghdr *message, void *data)
{
	struct reading *reading = data;
	const struct nlattr *expressions = find_top(message, NFTA_RULE_EXPRESSIONS);
	struct firewall_counter counter = { .chain = chain_of_ours(reading, find_top(message, NFTA_RULE_CHAIN)) };
	int r;

	if (!counter.chain)
		return MNL_CB_OK;
	add_attribute(reading, find_top(message, NFTA_RULE_CHAIN));
	if (expressions)
		read_expressions(reading, expressions, &counter);
	reading->view.rules++;
	counter.comment = comment_of(find_top(message, NFTA_RULE_USERDATA));
	if (!reading->each || !counter.comment)
		return MNL_CB_OK;
	r = reading->each(&counter, reading->data);
	if (r >= 0)
		return MNL_CB_OK;
	errno = -r;
	return MNL_CB_ERROR;
}

static int read_once(struct netlink *netlink, struct reading *reading)
{
	_Alignas(struct nlmsghdr) char buffer[NETLINK_MESSAGE_MAX];
	struct nlmsghdr *request = ask_nftables(buffer, NFT_MSG_GETTABLE, 0);
	int r;

	mnl_attr_put_strz(request, NFTA_TABLE_NAME, FIREWALL_TABLE);
	r = netlink_ask(netlink, request, read_table, reading);
	if (r < 0)
		return r;
	r = netlink_ask(netlink, ask_nftables(buffer, NFT_MSG_GETCHAIN, NLM_F_DUMP), read_chain, reading);
	if (r < 0)
		return r;
	request = ask_nftables(buffer, NFT_MSG_GETRULE, NLM_F_DUMP);
	mnl_attr_put_strz(request, NFTA_RULE_TABLE, FIREWALL_TABLE);
	return netlink_ask(netlink, request, read_rule, reading);
}

int firewall_read(struct netlink *netlink, const char *name, struct firewall_view *ret, firewall_counter_fn each,
		  void *data)
{
	int r = -EINTR;

	/* with a reader of the counters only once: it would count some twice */
	for (int i = 0; i < (each ? 1 : TRIES) && r == -EINTR; i++) {
		struct reading reading = { .name = name, .view.fingerprint = HASH_START, .each = each, .data = data };

		r = read_once(netlink, &reading);
		if (r == 0 && reading.chains == 0)
			r = -ENOENT;
		if (r == 0)
			*ret = reading.view;
	}
	return r;
}

static int read_generation(const struct nlmsghdr *message, void *data)
{
	const struct nlattr *id = find_top(message, NFTA_GEN_ID);
	uint32_t *generation = data;

	if (id)
		*generation = ntohl(mnl_attr_get_u32(id));
	return MNL_CB_OK;
}

int firewall_generation(struct netlink *netlink, uint32_t *ret)
{
	_Alignas(struct nlmsghdr) char buffer[NETLINK_MESSAGE_MAX];

	*ret = 0;
	return netlink_ask(netlink, ask_nftables(buffer, NFT_MSG_GETGEN, 0), read_generation, ret);
}
