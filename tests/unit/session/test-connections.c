/* SPDX-License-Identifier: BSD-3-Clause OR GPL-2.0-or-later */
#include "session/connections.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static int answer;

/* The kernel's, by the linker's --wrap. */
int __wrap_netlink_ask(struct netlink *netlink, struct nlmsghdr *request, mnl_cb_t each, void *data);

int __wrap_netlink_ask(struct netlink *netlink, struct nlmsghdr *request, mnl_cb_t each, void *data)
{
	(void)netlink;
	(void)request;
	(void)each;
	(void)data;
	return answer;
}

static void a_kernel_without_the_module_is_named_with_the_remedy(void **state)
{
	static const struct {
		int answer, expected;
		const char *problem;
	} cases[] = {
		{ 0, 0, NULL },
		{ -EPERM, -EPERM, NULL },
		{ -EINVAL, -EOPNOTSUPP, "modprobe nf_conntrack_netlink" },
		{ -EOPNOTSUPP, -EOPNOTSUPP, "modprobe nf_conntrack_netlink" },
	};

	(void)state;
	for (size_t i = 0; i < ELEMENTS(cases); i++) {
		_cleanup_free_ char *problem = NULL;
		struct connections_usage usage;
		struct netlink netlink = { 0 };

		answer = cases[i].answer;
		assert_int_equal(connections_usage(&netlink, &usage, &problem), cases[i].expected);
		assert_int_equal(problem != NULL, cases[i].problem != NULL);
		if (problem)
			assert_non_null(strstr(problem, cases[i].problem));
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(a_kernel_without_the_module_is_named_with_the_remedy) };

	return cmocka_run_group_tests(tests, NULL, NULL);
}
