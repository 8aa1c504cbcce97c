/* SPDX-License-Identifier: BSD-3-Clause OR GPL-2.0-or-later */
#include "session/take_address.h"

#include "session/network_state.h"
#include "session/used_addresses.h"

#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include <cmocka.h>

static int file = -1;

/* A session of its own: locks of one are seen by others. */
static struct veth_pool pool_of(const char *prefix)
{
	char path[48], *ignored = NULL;
	struct veth_pool pool = { 0 };

	assert_int_equal(prefix_parse(prefix, &pool.prefix, &ignored), 0);
	(void)snprintf(path, sizeof(path), "/proc/self/fd/%d", file);
	pool.locks = open(path, O_RDWR | O_CLOEXEC);
	assert_true(pool.locks >= 0);
	return pool;
}

static void end(struct veth_pool *pool)
{
	pool->locks = close_fd(pool->locks);
}

/* As a login does; whether its address had a session before. */
static bool begin(struct veth_pool *pool)
{
	struct address_search search;
	bool used;

	assert_int_equal(address_search_begin(pool, &search), 0);
	assert_int_equal(take_address(pool, &search), 0);
	used = address_was_used(pool->locks, &pool->address);
	assert_int_equal(address_use(pool), 0);
	return used;
}

static int new_file(void **state)
{
	(void)state;
	file = memfd_create("locks", MFD_CLOEXEC);
	return file < 0 ? -1 : 0;
}

static int close_file(void **state)
{
	(void)state;
	file = close_fd(file);
	return 0;
}

static void addresses_that_were_used_come_last(void **state)
{
	static const char *const prefixes[] = { "10.99.0.0/29", "fd00:99::/125" };

	(void)state;
	for (size_t i = 0; i < ELEMENTS(prefixes); i++) {
		for (unsigned session = 0; session < 20; session++) {
			struct veth_pool pool = pool_of(prefixes[i]);

			assert_int_equal(begin(&pool), session >= (i == 0 ? 6 : 7));
			end(&pool);
		}
	}
}

static void an_address_is_one_sessions_and_a_pool_ends(void **state)
{
	struct veth_pool pools[7];
	struct address_search search;

	(void)state;
	for (size_t i = 0; i < ELEMENTS(pools); i++) {
		pools[i] = pool_of("10.99.0.0/29");
		if (i < 6)
			assert_false(begin(&pools[i]));
		for (size_t k = 0; k < i && i < 6; k++)
			assert_memory_not_equal(pools[i].address.bytes, pools[k].address.bytes, 4);
	}
	assert_int_equal(address_search_begin(&pools[6], &search), 0);
	assert_int_equal(take_address(&pools[6], &search), -EDQUOT);
	for (size_t i = 0; i < ELEMENTS(pools); i++)
		end(&pools[i]);
}

static void marks_go_with_the_connections_but_for_those_of_sessions(void **state)
{
	struct veth_pool gone = pool_of("10.99.0.0/24"), live = pool_of("10.99.0.0/24"), again, own;
	struct used_addresses used;

	(void)state;
	assert_false(begin(&gone));
	assert_false(begin(&live));
	end(&gone);
	own = pool_of("10.99.0.0/24");
	assert_false(begin(&own));
	used_addresses_read(&own, &used);
	used_addresses_forget(&own, &used);
	assert_false(address_was_used(own.locks, &gone.address));
	assert_false(address_was_used(own.locks, &own.address));
	assert_true(address_was_used(own.locks, &live.address));

	/* a session that began and ended since the marks were read */
	again = pool_of("10.99.0.0/24");
	again.address = gone.address;
	assert_int_equal(address_use(&again), 0);
	used_addresses_read(&own, &used);
	assert_int_equal(address_use(&again), 0);
	used_addresses_forget(&own, &used);
	assert_true(address_was_used(own.locks, &gone.address));
	end(&again);
	end(&live);
	end(&own);
}

static void marks_are_of_the_pool_alone(void **state)
{
	struct veth_pool neighbour = pool_of("10.99.1.0/24"), large = pool_of("10.0.0.0/8"),
			 own = pool_of("10.99.0.0/24");
	struct used_addresses used;

	(void)state;
	assert_false(begin(&neighbour));
	end(&neighbour);
	assert_false(begin(&own));
	used_addresses_read(&own, &used);
	used_addresses_forget(&own, &used);
	assert_true(address_was_used(own.locks, &neighbour.address));
	large.address = neighbour.address;
	used_addresses_read(&large, &used);
	used_addresses_forget(&large, &used);
	assert_false(address_was_used(own.locks, &neighbour.address));
	end(&large);
	end(&own);
}

static void a_mark_counts_and_never_becomes_none(void **state)
{
	struct veth_pool pool = pool_of("fd00:99::/64");

	(void)state;
	assert_false(begin(&pool));
	for (unsigned i = 0; i < 600; i++) {
		assert_int_equal(address_use(&pool), 0);
		assert_true(address_was_used(pool.locks, &pool.address));
	}
	end(&pool);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(addresses_that_were_used_come_last, new_file, close_file),
		cmocka_unit_test_setup_teardown(an_address_is_one_sessions_and_a_pool_ends, new_file, close_file),
		cmocka_unit_test_setup_teardown(marks_go_with_the_connections_but_for_those_of_sessions, new_file,
						close_file),
		cmocka_unit_test_setup_teardown(marks_are_of_the_pool_alone, new_file, close_file),
		cmocka_unit_test_setup_teardown(a_mark_counts_and_never_becomes_none, new_file, close_file),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
