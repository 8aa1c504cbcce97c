/* SPDX-License-Identifier: BSD-3-Clause OR GPL-2.0-or-later */
/* network.pool and network.egress: what they take, and what is said of everything else. */
#include "support.h"

#include "config/egress.h"
#include "config/pool.h"

#include <string.h>

/* NULL: the same. */
static const struct {
	const char *text, *canonical;
} good[] = {
	{ "any", NULL },
	{ "any tcp 443", NULL },
	{ "  any\ttcp   443 ", "any tcp 443" },
	{ "10.0.0.0/8", NULL },
	{ "192.0.2.1 udp 53", NULL },
	{ "192.0.2.1/32 udp 53-53", "192.0.2.1 udp 53" },
	{ "2001:DB8::/32 tcp 22,8000-8100", "2001:db8::/32 tcp 22,8000-8100" },
	{ "::ffff:192.0.2.0/120", "192.0.2.0/24" },
	{ "0.0.0.0/0 icmp", NULL },
	{ "any tcp 1,65535", NULL },
	{ "host tcp 8080", NULL },
	{ "dns", NULL },
	{ "!10.0.0.0/8", NULL },
	{ "!fd00::/8", NULL },
};

static void items_have_one_canonical_form(void **state)
{
	(void)state;
	for (size_t i = 0; i < ELEMENTS(good); i++) {
		_cleanup_free_ char *problem = NULL, *once = NULL, *twice = NULL;
		struct egress egress;

		if (egress_parse(good[i].text, &egress, &problem) < 0)
			fail_msg("%s: %s", good[i].text, problem);
		once = egress_format(&egress);
		assert_non_null(once);
		assert_string_equal(once, good[i].canonical ? good[i].canonical : good[i].text);
		assert_int_equal(egress_parse(once, &egress, &problem), 0);
		twice = egress_format(&egress);
		assert_non_null(twice);
		assert_string_equal(once, twice);
	}
}

#define NO_PORT        "is no port from 1 to 65535, range, or list of them, as in '22,8000-8100'"
#define NO_DESTINATION "is no address or prefix, nor any, host or dns; names are not looked up"

static const struct {
	const char *text, *message;
} bad[] = {
	{ "", "'' is empty; an item is DESTINATION [PROTOCOL [PORTS]], as in 'any tcp 443' or '10.1.0.0/16'" },
	{ "  ", "'  ' is empty; an item is DESTINATION [PROTOCOL [PORTS]], as in 'any tcp 443' or '10.1.0.0/16'" },
	{ "example.org tcp 443", "'example.org' " NO_DESTINATION },
	{ "Any", "'Any' " NO_DESTINATION "; did you mean 'any'?" },
	{ "hots tcp 1", "'hots' " NO_DESTINATION "; did you mean 'host'?" },
	{ "tcp 443", "'tcp' " NO_DESTINATION },
	{ "10.0.0.1/8",
	  "'10.0.0.1/8' has bits behind its prefix; write '10.0.0.0/8', or '10.0.0.1' for the one address" },
	{ "10.0.0.0/33", "'10.0.0.0/33': the length of an IPv4 prefix is 0 to 32" },
	{ "10.0.0.0/08", "'10.0.0.0/08': the length of an IPv4 prefix is 0 to 32" },
	{ "any TCP 1",
	  "'TCP' is none of tcp, udp, icmp; without a protocol all three are meant, and others never leave; "
	  "did you mean 'tcp'?" },
	{ "any sctp 1",
	  "'sctp' is none of tcp, udp, icmp; without a protocol all three are meant, and others never leave" },
	{ "any gre",
	  "'gre' is none of tcp, udp, icmp; without a protocol all three are meant, and others never leave" },
	{ "any 443", "'443': before a port stands its protocol, as in 'tcp 443'" },
	{ "any tcp 0", "'0' " NO_PORT },
	{ "any tcp 65536", "'65536' " NO_PORT },
	{ "any tcp 443,", "'443,' " NO_PORT },
	{ "any tcp ,443", "',443' " NO_PORT },
	{ "any tcp 90-80", "'90-80' " NO_PORT },
	{ "any tcp 80-", "'80-' " NO_PORT },
	{ "any tcp -80", "'-80' " NO_PORT },
	{ "any tcp 80-90-100", "'80-90-100' " NO_PORT },
	{ "any tcp 0443", "'0443' " NO_PORT },
	{ "any tcp https", "'https' " NO_PORT },
	{ "any tcp 1,2,3,4,5,6,7,8,9,10,11,12,13,14,15,16,17",
	  "'1,2,3,4,5,6,7,8,9,10,11,12,13,14,15,16,17' has more than 16 ports or ranges; make two items of it" },
	{ "any tcp 80, 443", "'any tcp 80, 443' has too many words; an item is DESTINATION [PROTOCOL [PORTS]], as in "
			     "'any tcp 443' or '10.1.0.0/16'; ports have no spaces between them" },
	{ "any icmp 8", "'any icmp 8': icmp has no ports" },
	{ "dns udp", "'dns udp': 'dns' stands alone; it is port 53 of UDP and TCP" },
	{ "!any", "'!any': '!' is for a prefix, which is never reached" },
	{ "!dns", "'!dns': '!' is for a prefix, which is never reached" },
	{ "!10.0.0.0/8 tcp",
	  "'!10.0.0.0/8 tcp': what has a '!' is not reached at all, by no protocol; leave what follows "
	  "the prefix out" },
	{ "! 10.0.0.0/8", "'!': '!' is for a prefix, which is never reached" },
};

static void mistakes_are_named(void **state)
{
	(void)state;
	for (size_t i = 0; i < ELEMENTS(bad); i++) {
		_cleanup_free_ char *problem = NULL;
		struct egress egress;

		assert_int_equal(egress_parse(bad[i].text, &egress, &problem), -EINVAL);
		assert_string_equal(problem, bad[i].message);
	}
}

static const struct {
	const char *text, *canonical, *message;
	uint64_t size;
	const char *first, *last;
} pools[] = {
	{ "10.99.0.0/24", "10.99.0.0/24", NULL, 254, "10.99.0.1", "10.99.0.254" },
	{ "10.99.0.4/30", "10.99.0.4/30", NULL, 2, "10.99.0.5", "10.99.0.6" },
	{ "10.0.0.0/8", "10.0.0.0/8", NULL, (1 << 24) - 2, "10.0.0.1", "10.255.255.254" },
	{ "FD00:99::/64", "fd00:99::/64", NULL, 1 << 24, "fd00:99::1", "fd00:99::100:0" },
	{ "fd00:99::8/126", "fd00:99::8/126", NULL, 3, "fd00:99::9", "fd00:99::b" },
	{ .text = "10.99.0.1", .message = "'10.99.0.1': the length of a pool's IPv4 prefix is 8 to 30" },
	{ .text = "10.99.0.0/31", .message = "'10.99.0.0/31': the length of a pool's IPv4 prefix is 8 to 30" },
	{ .text = "0.0.0.0/0", .message = "'0.0.0.0/0': the length of a pool's IPv4 prefix is 8 to 30" },
	{ .text = "fd00::/48", .message = "'fd00::/48': the length of a pool's IPv6 prefix is 64 to 126" },
	{ .text = "127.1.0.0/16",
	  .message =
		  "'127.1.0.0/16': addresses in 127.0.0.0/8 are loopback; take private ones, as in '10.99.0.0/16' or "
		  "'fd00:99::/64'" },
	{ .text = "169.254.0.0/17",
	  .message = "'169.254.0.0/17': addresses in 169.254.0.0/16 are link-local; take private ones, as in "
		     "'10.99.0.0/16' or 'fd00:99::/64'" },
	{ .text = "fe80::/64",
	  .message = "'fe80::/64': addresses in fe80::/10 are link-local; take private ones, as in '10.99.0.0/16' or "
		     "'fd00:99::/64'" },
	{ .text = "students", .message = "'students' is no prefix, as '10.99.0.0/16' and 'fd00:99::/64' are" },
};

static void assert_address(const struct prefix *pool, uint64_t number, const char *expected)
{
	struct prefix address = pool_address(pool, number);
	char text[PREFIX_TEXT_SIZE];

	assert_string_equal(prefix_format(&address, text), expected);
	assert_true(prefix_holds(pool, &address));
}

static void pools_have_room_for_sessions(void **state)
{
	(void)state;
	for (size_t i = 0; i < ELEMENTS(pools); i++) {
		_cleanup_free_ char *problem = NULL, *text = NULL;
		struct prefix pool;
		int r = pool_parse(pools[i].text, &text, &problem);

		if (pools[i].message) {
			assert_int_equal(r, -EINVAL);
			assert_string_equal(problem, pools[i].message);
			continue;
		}
		assert_int_equal(r, 0);
		assert_string_equal(text, pools[i].canonical);
		assert_int_equal(prefix_parse(text, &pool, &problem), 0);
		assert_int_equal(pool_size(&pool), pools[i].size);
		assert_address(&pool, 0, pools[i].first);
		assert_address(&pool, pools[i].size - 1, pools[i].last);
	}
}

#define VETH(rest) "network { mode = veth\n" rest " }"
#define POOL       "pool = {\"10.99.0.0/24\"}\n"

static void what_does_not_go_together_is_refused(void **state)
{
	static const struct {
		const char *text, *messages;
	} rows[] = {
		{ VETH(POOL "egress = {\"any\"}"), NULL },
		{ VETH("egress = {any}"), TEST_FILE
		  ":1: network.mode: 'veth' needs network.pool, the prefixes that sessions have their addresses from, "
		  "as in pool = {\"10.99.0.0/16\", \"fd00:99::/64\"}" },
		{ VETH("pool = {\"10.99.0.0/24\", \"10.98.0.0/24\"} egress = {any}"), TEST_FILE
		  ":2: network.pool: has more than one IPv4 prefix; a session has one address of each family" },
		{ VETH(POOL "egress = {any}") " pid { isolate = false } mount { proc = hidepid }", TEST_FILE
		  ":3: pid.isolate: 'false' with network.mode = \"veth\": processes that the user leaves running "
		  "would keep the network, with an address that the next session gets" },
		{ VETH(POOL), TEST_FILE ":1: network.egress: is not given, so that a session reaches nothing; "
					"network.mode = \"loopback\" does that with less" },
		{ VETH(POOL "egress = {\"2001:db8::/32\"}"),
		  TEST_FILE ":3: network.egress: '2001:db8::/32' is never reached: network.pool has no IPv6 prefix" },
		{ "network { " POOL "}", TEST_FILE ":1: network.pool: means nothing with network.mode = 'loopback', it "
						   "goes with 'veth'; remove one of them" },
		{ "network { egress = {any} }", TEST_FILE ":1: network.egress: means nothing with network.mode = "
							  "'loopback', it goes with 'veth'; remove one of them" },
		{ "network { connections = 10 }", TEST_FILE ":1: network.connections: means nothing with network.mode "
							    "= 'loopback', it goes with 'veth'; remove one of them" },
		{ "max-sessions = 2 " VETH("pool = {\"10.99.0.0/30\"} egress = {any}"), TEST_FILE
		  ":2: network.pool: '10.99.0.0/30' has 2 addresses, which one user can hold with max-sessions = 2: "
		  "others are then refused; take a larger pool, or a lower max-sessions" },
		{ "max-sessions = 1 " VETH("pool = {\"10.99.0.0/30\"} egress = {any}"), NULL },
		{ "scope = user " VETH("pool = {\"10.99.0.0/30\"} egress = {any}"), NULL },
		{ "network { masquerade = true }", TEST_FILE ":1: network.masquerade: means nothing with network.mode "
							     "= 'loopback', it goes with 'veth'; remove one of them" },
		{ VETH(POOL "egress = {\"any tcp 80, 443\"}"), TEST_FILE
		  ":3: network.egress: 'any tcp 80, 443' has too many words; an item is DESTINATION [PROTOCOL "
		  "[PORTS]], as in 'any tcp 443' or '10.1.0.0/16'; ports have no spaces between them" },
	};

	(void)state;
	for (size_t i = 0; i < ELEMENTS(rows); i++)
		assert_lint(rows[i].text, rows[i].messages);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(items_have_one_canonical_form),
		cmocka_unit_test(mistakes_are_named),
		cmocka_unit_test(pools_have_room_for_sessions),
		cmocka_unit_test(what_does_not_go_together_is_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
