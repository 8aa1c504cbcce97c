/* SPDX-License-Identifier: BSD-3-Clause OR GPL-2.0-or-later */
#include "session/netlink.h"

#include <linux/if_link.h>
#include <linux/neighbour.h>
#include <linux/rtnetlink.h>
#include <net/if.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

static char buffer[NETLINK_MESSAGE_MAX];

static int find_loopback(const struct nlmsghdr *message, void *data)
{
	const struct ifinfomsg *link = mnl_nlmsg_get_payload(message);
	bool *found = data;

	*found |= (link->ifi_flags & IFF_LOOPBACK) != 0;
	return MNL_CB_OK;
}

static struct nlmsghdr *link_request(uint16_t flags, int index)
{
	struct nlmsghdr *request = netlink_request(buffer, RTM_GETLINK, flags);
	struct ifinfomsg *link = mnl_nlmsg_put_extra_header(request, sizeof(*link));

	link->ifi_index = index;
	return request;
}

static void an_answer_of_one_message_and_a_dump_both_end(void **state)
{
	struct netlink netlink;
	bool found = false;

	(void)state;
	assert_int_equal(netlink_open(NETLINK_ROUTE, &netlink), 0);
	assert_int_equal(netlink_ask(&netlink, link_request(0, 1), find_loopback, &found), 0);
	assert_true(found);
	found = false;
	assert_int_equal(netlink_ask(&netlink, link_request(NLM_F_DUMP, 0), find_loopback, &found), 0);
	assert_true(found);
	netlink_close(&netlink);
}

static int refuse(const struct nlmsghdr *message, void *data)
{
	(void)message;
	(void)data;
	errno = EILSEQ;
	return MNL_CB_ERROR;
}

static void errors_of_kernel_and_callback_are_told(void **state)
{
	struct netlink netlink;

	(void)state;
	assert_int_equal(netlink_open(NETLINK_ROUTE, &netlink), 0);
	assert_int_equal(netlink_do(&netlink, link_request(0, 0x7fffffff)), -ENODEV);
	assert_int_equal(netlink_ask(&netlink, link_request(0, 1), refuse, NULL), -EILSEQ);
	netlink_close(&netlink);
}

/* Linux says of a question about no neighbour what is missing. */
static void the_kernels_words_are_kept_until_the_next_request(void **state)
{
	struct netlink netlink;
	struct nlmsghdr *request;
	struct ndmsg *neighbour;

	(void)state;
	assert_int_equal(netlink_open(NETLINK_ROUTE, &netlink), 0);
	request = netlink_request(buffer, RTM_GETNEIGH, 0);
	neighbour = mnl_nlmsg_put_extra_header(request, sizeof(*neighbour));
	neighbour->ndm_family = AF_INET;
	assert_int_equal(netlink_do(&netlink, request), -EINVAL);
	assert_string_not_equal(netlink.reason, "");
	assert_int_equal(netlink_do(&netlink, link_request(0, 1)), 0);
	assert_string_equal(netlink.reason, "");
	netlink_close(&netlink);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(an_answer_of_one_message_and_a_dump_both_end),
		cmocka_unit_test(errors_of_kernel_and_callback_are_told),
		cmocka_unit_test(the_kernels_words_are_kept_until_the_next_request),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
