/* SPDX-License-Identifier: BSD-3-Clause OR GPL-2.0-or-later */
#include "session/firewall_text.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

/* The goldens are in $NSISOLATE_TEST_DATA/firewall: a file a row, NAME.nft. */

#define LIST(...) ((char *const[]){ __VA_ARGS__, NULL })

static const struct row {
	const char *golden;
	char *const *pool, *const *egress;
	bool masquerade, servers;
} rows[] = {
	{ "bastion", LIST((char *)"10.99.0.0/20", (char *)"fd00:99::/64"),
	  LIST((char *)"10.1.0.0/16 tcp 22,443", (char *)"2001:db8:ca::/48 tcp 22,443", (char *)"dns"), true, true },
	{ "hosting", LIST((char *)"10.99.0.0/20", (char *)"fd00:99::/64"),
	  LIST((char *)"any tcp 80,8000-8100", (char *)"any icmp", (char *)"!10.0.0.0/8", (char *)"!fc00::/7"), true,
	  false },
	{ "everything", LIST((char *)"10.99.0.0/20"),
	  LIST((char *)"any", (char *)"0.0.0.0/0 udp", (char *)"::/0", (char *)"!::/0", (char *)"host tcp 8080",
	       (char *)"169.254.169.254 tcp 80"),
	  false, false },
	{ "nothing", LIST((char *)"fd00:99::/64"), NULL, false, false },
};

static struct firewall_order order_of(const struct row *row)
{
	struct firewall_order order = {
		.pool = row->pool, .egress = row->egress, .masquerade = row->masquerade, .connections = 1024
	};

	if (row->servers) {
		assert_true(prefix_parse_address("10.1.0.53", &order.servers[0]));
		assert_true(prefix_parse_address("2001:db8:ca::53", &order.servers[1]));
		order.server_count = 2;
	}
	return order;
}

static char *read_golden(const char *name)
{
	const char *data = getenv("NSISOLATE_TEST_DATA");
	_cleanup_free_ char *path = NULL;
	char *text = calloc(1, 16384);
	FILE *file;

	assert_non_null(data);
	assert_non_null(text);
	assert_true(asprintf(&path, "%s/firewall/%s.nft", data, name) > 0);
	file = fopen(path, "re");
	if (!file)
		fail_msg("%s: %s", path, strerror(errno));
	assert_true(fread(text, 1, 16383, file) < 16383);
	assert_int_equal(fclose(file), 0);
	return text;
}

static void rules_are_as_the_golden_files_have_them(void **state)
{
	(void)state;
	for (size_t i = 0; i < ELEMENTS(rows); i++) {
		_cleanup_(firewall_rules_release) struct firewall_rules rules = { 0 };
		_cleanup_free_ char *golden = NULL;
		const struct firewall_order order = order_of(&rows[i]);
		const char *table;

		assert_int_equal(firewall_compose(&order, &rules), 0);
		table = strstr(rules.text, "table inet nsisolate {");
		assert_non_null(table);
		if (getenv("NSISOLATE_WRITE_GOLDEN")) {
			printf("# %s\n%s", rows[i].golden, table);
			continue;
		}
		golden = read_golden(rows[i].golden);
		assert_string_equal(table, golden);
	}
}

/* Same rules, same name; and every difference makes another. */
static void a_name_is_that_of_the_rules(void **state)
{
	struct firewall_rules all[ELEMENTS(rows) + 1] = { 0 };
	struct firewall_order order;

	(void)state;
	for (size_t i = 0; i < ELEMENTS(rows); i++) {
		order = order_of(&rows[i]);
		assert_int_equal(firewall_compose(&order, &all[i]), 0);
		assert_int_equal(strlen(all[i].name), FIREWALL_NAME_LENGTH);
		for (size_t j = 0; j < i; j++)
			assert_string_not_equal(all[i].name, all[j].name);
	}
	order = order_of(&rows[0]);
	assert_int_equal(firewall_compose(&order, &all[ELEMENTS(rows)]), 0);
	assert_string_equal(all[0].name, all[ELEMENTS(rows)].name);
	assert_string_equal(all[0].text, all[ELEMENTS(rows)].text);
	order.servers[0].bytes[3]++;
	firewall_rules_release(&all[ELEMENTS(rows)]);
	assert_int_equal(firewall_compose(&order, &all[ELEMENTS(rows)]), 0);
	assert_string_not_equal(all[0].name, all[ELEMENTS(rows)].name);
	for (size_t i = 0; i < ELEMENTS(all); i++)
		firewall_rules_release(&all[i]);
}

static void what_is_not_an_item_is_no_rule(void **state)
{
	struct firewall_order order = { .egress = LIST((char *)"any tcp 1; accept") };
	struct firewall_rules rules;

	(void)state;
	assert_int_equal(firewall_compose(&order, &rules), -EINVAL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(rules_are_as_the_golden_files_have_them),
		cmocka_unit_test(a_name_is_that_of_the_rules),
		cmocka_unit_test(what_is_not_an_item_is_no_rule),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
