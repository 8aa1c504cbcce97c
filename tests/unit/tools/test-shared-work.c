/* SPDX-License-Identifier: BSD-3-Clause OR GPL-2.0-or-later */
#include "tools/shared_work.h"

#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

#define ITEMS 2000

struct work {
	unsigned decided[ITEMS], accepted[ITEMS];
	uint8_t *started; /* shared */
	size_t stuck_at;
};

static void start(size_t number, size_t end, void *data)
{
	struct work *work = data;

	assert_true(number < end);
	work->started[number]++;
	while (number == work->stuck_at)
		(void)pause();
}

static uint32_t say(size_t item, void *data)
{
	(void)data;
	return (uint32_t)item + 1;
}

static uint32_t say_nothing(size_t item, void *data)
{
	(void)item;
	(void)data;
	return SHARED_UNDECIDED;
}

static uint32_t die(size_t item, void *data)
{
	(void)item;
	(void)data;
	_exit(1);
}

static int decide(size_t item, void *data)
{
	((struct work *)data)->decided[item]++;
	return 0;
}

static int decide_slowly(size_t item, void *data)
{
	(void)usleep(10);
	return decide(item, data);
}

static int refuse(size_t item, void *data)
{
	(void)item;
	(void)data;
	return -EIO;
}

static void accept(size_t item, uint32_t said, void *data)
{
	assert_int_equal(said, item + 1);
	((struct work *)data)->accepted[item]++;
}

static struct shared_work make(struct work *work, size_t starts)
{
	work->started = shared_memory_new(ITEMS);
	work->stuck_at = SIZE_MAX;
	assert_non_null(work->started);
	return (struct shared_work){ .count = ITEMS,
				     .data = work,
				     .start = start,
				     .starts = starts,
				     .patience_ms = 2000, /* a busy machine's child gets that far */
				     .help = say,
				     .decide = decide,
				     .accept = accept };
}

static void expect_each_once(const struct work *work)
{
	for (size_t i = 0; i < ITEMS; i++)
		assert_int_equal(work->decided[i] + work->accepted[i], 1);
}

static void each_item_is_done_once_whoever_does_it(void **state)
{
	static const struct {
		uint32_t (*help)(size_t item, void *data);
		int (*decide)(size_t item, void *data);
	} cases[] = { { say, decide }, { say, decide_slowly }, { say_nothing, decide_slowly }, { die, decide_slowly } };

	(void)state;
	for (size_t i = 0; i < ELEMENTS(cases); i++) {
		struct work work = { 0 };
		struct shared_work shared = make(&work, 0);
		size_t stuck = SIZE_MAX;

		shared.help = cases[i].help;
		shared.decide = cases[i].decide;
		assert_int_equal(shared_work_do(&shared, &stuck), 0);
		assert_int_equal(stuck, 0);
		expect_each_once(&work);
		shared_memory_free(work.started, ITEMS);
	}
}

static void starts_are_made_once_by_children(void **state)
{
	struct work work = { 0 };
	struct shared_work shared = make(&work, 5);
	size_t stuck = SIZE_MAX;

	(void)state;
	assert_int_equal(shared_work_do(&shared, &stuck), 0);
	assert_int_equal(stuck, 5);
	for (size_t i = 0; i < 5; i++)
		assert_int_equal(work.started[i], 1);
	expect_each_once(&work);
	shared_memory_free(work.started, ITEMS);
}

static void child_that_is_stuck_is_given_up_and_nothing_is_left_out(void **state)
{
	struct work work = { 0 };
	struct shared_work shared = make(&work, 5);
	size_t stuck = SIZE_MAX;

	(void)state;
	work.stuck_at = 3;
	assert_int_equal(shared_work_do(&shared, &stuck), 0);
	assert_int_equal(stuck, 3);
	assert_int_equal(work.started[3], 1);
	expect_each_once(&work);
	shared_memory_free(work.started, ITEMS);
}

static void failure_ends_it(void **state)
{
	struct work work = { 0 };
	struct shared_work shared = make(&work, 0);
	size_t stuck;

	(void)state;
	shared.help = say_nothing;
	shared.decide = refuse;
	assert_int_equal(shared_work_do(&shared, &stuck), -EIO);
	shared_memory_free(work.started, ITEMS);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(each_item_is_done_once_whoever_does_it),
		cmocka_unit_test(starts_are_made_once_by_children),
		cmocka_unit_test(child_that_is_stuck_is_given_up_and_nothing_is_left_out),
		cmocka_unit_test(failure_ends_it),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
