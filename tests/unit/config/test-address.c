/* SPDX-License-Identifier: BSD-3-Clause OR GPL-2.0-or-later */
#include "support.h"

#include "config/address.h"

#include <string.h>

static const struct {
	const char *text, *canonical, *problem;
} prefixes[] = {
	{ "local", "local", NULL },
	{ "10.0.0.0/8", "10.0.0.0/8", NULL },
	{ "0.0.0.0/0", "0.0.0.0/0", NULL },
	{ "192.0.2.1", "192.0.2.1", NULL },
	{ "192.0.2.1/32", "192.0.2.1", NULL },
	{ "192.0.2.0/31", "192.0.2.0/31", NULL },
	{ "2001:db8::/32", "2001:db8::/32", NULL },
	{ "2001:0DB8:0:0::1", "2001:db8::1", NULL },
	{ "2001:db8::1/128", "2001:db8::1", NULL },
	{ "::/0", "::/0", NULL },
	{ "::", "::", NULL },
	{ "fe80::/10", "fe80::/10", NULL },
	{ "::ffff:10.0.0.0/104", "10.0.0.0/8", NULL },
	{ "::ffff:a00:1", "10.0.0.1", NULL },
	{ "::ffff:0:0/96", "0.0.0.0/0", NULL },
	{ "10.0.0.1/8", NULL,
	  "'10.0.0.1/8' has bits behind its prefix; write '10.0.0.0/8', or '10.0.0.1' for the one address" },
	{ "0.0.0.1/0", NULL,
	  "'0.0.0.1/0' has bits behind its prefix; write '0.0.0.0/0', or '0.0.0.1' for the one address" },
	{ "2001:db8::1/64", NULL,
	  "'2001:db8::1/64' has bits behind its prefix; write '2001:db8::/64', or '2001:db8::1' for the one address" },
	{ "::ffff:10.0.0.0/95", NULL,
	  "'::ffff:10.0.0.0/95' has bits behind its prefix; write '::fffe:0:0/95', or '::ffff:10.0.0.0' for the one "
	  "address" },
	{ "10.0.0.0/33", NULL, "'10.0.0.0/33': the length of an IPv4 prefix is 0 to 32" },
	{ "10.0.0.0/", NULL, "'10.0.0.0/': the length of an IPv4 prefix is 0 to 32" },
	{ "10.0.0.0/+8", NULL, "'10.0.0.0/+8': the length of an IPv4 prefix is 0 to 32" },
	{ "10.0.0.0/08", NULL, "'10.0.0.0/08': the length of an IPv4 prefix is 0 to 32" },
	{ "10.0.0.0/8/8", NULL, "'10.0.0.0/8/8': the length of an IPv4 prefix is 0 to 32" },
	{ "10.0.0.0/255.0.0.0", NULL, "'10.0.0.0/255.0.0.0': the length of an IPv4 prefix is 0 to 32" },
	{ "::/129", NULL, "'::/129': the length of an IPv6 prefix is 0 to 128" },
	{ "::/4294967296", NULL, "'::/4294967296': the length of an IPv6 prefix is 0 to 128" },
	{ "", NULL, "'' is no address, prefix or 'local'; names are not looked up" },
	{ "/8", NULL, "'/8' is no address, prefix or 'local'; names are not looked up" },
	{ "10/8", NULL, "'10/8' is no address, prefix or 'local'; names are not looked up" },
	{ "10.0.0", NULL, "'10.0.0' is no address, prefix or 'local'; names are not looked up" },
	{ "010.0.0.1", NULL, "'010.0.0.1' is no address, prefix or 'local'; names are not looked up" },
	{ "0x0a000001", NULL, "'0x0a000001' is no address, prefix or 'local'; names are not looked up" },
	{ "10.0.0.256", NULL, "'10.0.0.256' is no address, prefix or 'local'; names are not looked up" },
	{ "fe80::1%eth0", NULL, "'fe80::1%eth0' is no address, prefix or 'local'; names are not looked up" },
	{ "localhost", NULL, "'localhost' is no address, prefix or 'local'; names are not looked up" },
	{ "Local", NULL, "'Local' is no address, prefix or 'local'; names are not looked up; did you mean 'local'?" },
};

static void prefixes_are_literal_and_made_canonical(void **state)
{
	(void)state;
	for (size_t i = 0; i < ELEMENTS(prefixes); i++) {
		_cleanup_free_ char *canonical = NULL, *sentence = NULL, *again = NULL;
		int r = address_prefix_parse(prefixes[i].text, &canonical, &sentence);

		assert_int_equal(r, prefixes[i].canonical ? 0 : -EINVAL);
		if (!prefixes[i].canonical) {
			assert_string_equal(sentence, prefixes[i].problem);
			continue;
		}
		assert_string_equal(canonical, prefixes[i].canonical);
		assert_int_equal(address_prefix_parse(canonical, &again, &sentence), 0);
		assert_string_equal(again, canonical);
	}
}

static const struct {
	const char *prefix, *remote;
	bool matches;
} remotes[] = {
	{ "local", NULL, true },
	{ "local", "", true },
	{ "local", "127.0.0.1", false },
	{ "local", "::1", false },
	{ "local", "local", false },
	{ "local", "localhost", false },
	{ "0.0.0.0/0", NULL, false },
	{ "0.0.0.0/0", "", false },
	{ "0.0.0.0/0", "203.0.113.9", true },
	{ "0.0.0.0/0", "2001:db8::1", false },
	{ "0.0.0.0/0", "host.example", false },
	{ "::/0", "host.example", false },
	{ "::/0", "2001:db8::1", true },
	{ "::/0", "192.0.2.1", false },
	{ "::/0", "::ffff:192.0.2.1", false },
	{ "::/96", "::1", true },
	{ "10.0.0.0/8", "10.255.0.1", true },
	{ "10.0.0.0/8", "11.0.0.1", false },
	{ "10.0.0.0/8", "::ffff:10.0.0.1", true },
	{ "10.0.0.0/8", "::ffff:a00:1", true },
	{ "10.0.0.0/8", "10.example.org", false },
	{ "10.0.0.0/8", "10.0.0.1.example.org", false },
	{ "10.0.0.0/8", "10.0.0.1 ", false },
	{ "10.0.0.0/8", "10.1", false },
	{ "10.0.0.0/8", "10.0.0.1/8", false },
	{ "10.0.0.0/8", "10.0.0.1%eth0", false },
	{ "192.0.2.1", "192.0.2.1", true },
	{ "192.0.2.1", "192.0.2.2", false },
	{ "192.0.2.0/25", "192.0.2.127", true },
	{ "192.0.2.0/25", "192.0.2.128", false },
	{ "2001:db8::/33", "2001:db8:7fff::1", true },
	{ "2001:db8::/33", "2001:db8:8000::1", false },
	{ "fe80::/10", "fe80::1%eth0", true },
	{ "fe80::/10", "fe80::1", true },
	{ "::/0", "2001:db8::1%eth0", false },
};

static void a_remote_host_matches_by_its_literal_address_only(void **state)
{
	(void)state;
	for (size_t i = 0; i < ELEMENTS(remotes); i++) {
		char *list[] = { (char *)remotes[i].prefix, NULL };
		char *longer[] = { (char *)"198.51.100.7", (char *)remotes[i].prefix, NULL };

		if (address_matches(list, remotes[i].remote) != remotes[i].matches ||
		    address_matches(longer, remotes[i].remote) != remotes[i].matches)
			fail_msg("%s with %s", remotes[i].prefix, remotes[i].remote);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(prefixes_are_literal_and_made_canonical),
		cmocka_unit_test(a_remote_host_matches_by_its_literal_address_only),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
