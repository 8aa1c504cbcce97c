/* SPDX-License-Identifier: BSD-3-Clause OR GPL-2.0-or-later */
#include "tools/shared_work.h"

#include "common/bound_child.h"
#include "common/clock.h"
#include "common/error.h"
#include "common/wait_child.h"

#include <fcntl.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <stdatomic.h>
#include <sys/mman.h>
#include <sys/wait.h>

#define CHILDREN_MAX 7
#define AT_ONCE      16  /* items that are taken together */
#define WORTH_IT     256 /* items for which another child is made */
#define START_ITEMS  8   /* items that take as long as a start */
#define SAID_DONE    UINT32_MAX

struct shared {
	_Atomic size_t next;                  /* item that nobody has taken yet */
	_Atomic size_t started[CHILDREN_MAX]; /* start() that a child is at, or `starts` */
	uint32_t said[];
};

struct team {
	const struct shared_work *work;
	struct shared *shared;
	pid_t children[CHILDREN_MAX];
	size_t count, wanted;
	int ends; /* of a pipe that all children hold: it ends with the last of them */
};

void *shared_memory_new(size_t size)
{
	void *memory = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);

	return memory == MAP_FAILED ? NULL : memory;
}

void shared_memory_free(void *memory, size_t size)
{
	if (memory)
		(void)munmap(memory, size);
}

/* Items from *ret on, until *ret_end. False: all are taken. */
static bool take(const struct team *team, size_t *ret, size_t *ret_end)
{
	size_t first = atomic_fetch_add(&team->shared->next, AT_ONCE);
	size_t count = team->work->count;

	*ret = first;
	*ret_end = first + AT_ONCE < count ? first + AT_ONCE : count;
	return first < count;
}

/* The first of its starts; that of who would come after the last child is behind them all. */
static size_t first_start(const struct team *team, size_t child)
{
	return team->work->starts * child / team->wanted;
}

static void help(const struct team *team, size_t child)
{
	const struct shared_work *work = team->work;
	const size_t starts_end = first_start(team, child + 1);
	size_t item, end;

	for (size_t i = first_start(team, child); i < starts_end; i++) {
		atomic_store(&team->shared->started[child], i);
		work->start(i, starts_end, work->data);
	}
	atomic_store(&team->shared->started[child], work->starts);
	while (take(team, &item, &end))
		for (; item < end; item++)
			team->shared->said[item] = work->help(item, work->data);
}

/* Nobody asks any more: a child ends with this process. */
static int start_child(struct team *team)
{
	const size_t number = team->count;
	pid_t child;

	atomic_store(&team->shared->started[number], first_start(team, number));
	child = fork_bound_child();
	if (child == 0) {
		help(team, number);
		_exit(0);
	}
	if (child < 0)
		return negative_errno();
	team->children[team->count++] = child;
	return 0;
}

/*
 * One at least, which can be given up where this process could not. While they make starts this process waits, once the
 * items are decided: then all processors are theirs.
 */
static size_t count_wanted(const struct shared_work *work)
{
	size_t wanted = 1 + (work->count + work->starts * START_ITEMS) / WORTH_IT, processors = 1;
	cpu_set_t set;

	if (sched_getaffinity(0, sizeof(set), &set) == 0)
		processors = (size_t)CPU_COUNT(&set);
	if (work->count > work->starts * START_ITEMS && processors > 1)
		processors--;
	if (wanted > CHILDREN_MAX)
		wanted = CHILDREN_MAX;
	return wanted < processors ? wanted : processors;
}

static int start_children(struct team *team)
{
	int ends[2], r = 0;

	if (pipe2(ends, O_CLOEXEC) < 0)
		return negative_errno();
	team->ends = ends[0];
	team->wanted = count_wanted(team->work);
	for (size_t i = 0; r == 0 && i < team->wanted; i++)
		r = start_child(team);
	close_fd(ends[1]);
	return r;
}

/* What one of them is at, and until when it may be. */
struct patience {
	size_t at;
	int64_t until;
};

/* Of one that has nothing to start any more nothing is too late. */
static bool is_stuck(const struct team *team, size_t child, struct patience *patience, int64_t now)
{
	const size_t at = atomic_load(&team->shared->started[child]);

	if (at != patience->at || at == team->work->starts)
		*patience = (struct patience){ at, now + team->work->patience_ms };
	return patience->until <= now;
}

/* Until all have ended, or one is stuck. */
static size_t wait_for_end(const struct team *team)
{
	struct patience patiences[CHILDREN_MAX];
	struct pollfd poller = { .fd = team->ends, .events = POLLIN };

	for (size_t i = 0; i < team->count; i++)
		patiences[i] = (struct patience){ SIZE_MAX, 0 };
	for (;;) {
		const int64_t now = now_ms();
		int64_t until = INT64_MAX;

		for (size_t i = 0; i < team->count; i++) {
			if (is_stuck(team, i, &patiences[i], now))
				return patiences[i].at;
			if (patiences[i].until < until)
				until = patiences[i].until;
		}
		if (poll(&poller, 1, (int)(until - now)) > 0)
			return team->work->starts;
	}
}

/* One that is killed is not waited for: it may be held up where no signal reaches it, and is init's when we end. */
static size_t stop_children(struct team *team, bool wait)
{
	size_t stuck = wait && team->count > 0 ? wait_for_end(team) : team->work->starts;
	bool all = wait && stuck == team->work->starts;

	for (size_t i = 0; i < team->count; i++) {
		if (!all)
			(void)kill(team->children[i], SIGKILL);
		(void)wait_child(team->children[i], all ? 0 : WNOHANG, NULL);
	}
	team->ends = close_fd(team->ends);
	return stuck;
}

static int decide_own(const struct team *team)
{
	const struct shared_work *work = team->work;
	size_t item, end;
	int r = 0;

	while (r == 0 && take(team, &item, &end)) {
		for (; r == 0 && item < end; item++) {
			r = work->decide(item, work->data);
			team->shared->said[item] = SAID_DONE;
		}
	}
	return r;
}

static int decide_left(const struct team *team)
{
	const struct shared_work *work = team->work;
	int r = 0;

	for (size_t i = 0; r == 0 && i < work->count; i++) {
		const uint32_t said = team->shared->said[i];

		if (said == SHARED_UNDECIDED)
			r = work->decide(i, work->data);
		else if (said != SAID_DONE)
			work->accept(i, said, work->data);
	}
	return r;
}

int shared_work_do(const struct shared_work *work, size_t *ret_stuck)
{
	const size_t size = sizeof(struct shared) + work->count * sizeof(uint32_t);
	struct team team = { .work = work, .shared = shared_memory_new(size), .ends = -1 };
	int r;

	if (!team.shared)
		return -ENOMEM;
	r = start_children(&team);
	/* items can be done here as well, but a start may never end */
	if (r == 0 || work->starts == 0)
		r = decide_own(&team);
	*ret_stuck = stop_children(&team, r == 0);
	if (r == 0)
		r = decide_left(&team);
	shared_memory_free(team.shared, size);
	return r;
}
