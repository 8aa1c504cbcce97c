/* SPDX-License-Identifier: BSD-3-Clause OR GPL-2.0-or-later */
#include "tools/shared_work.h"

#include "common/clock.h"
#include "common/error.h"
#include "common/wait_child.h"

#include <fcntl.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <stdatomic.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/wait.h>

#define CHILDREN_MAX 7
#define AT_ONCE      16  /* items that are taken together */
#define WORTH_IT     256 /* items for which another child is made */
#define SAID_DONE    UINT32_MAX

struct shared {
	_Atomic size_t next;    /* item that nobody has taken yet */
	_Atomic size_t started; /* start() that is at work, or `starts` */
	uint32_t said[];
};

struct team {
	const struct shared_work *work;
	struct shared *shared;
	pid_t children[CHILDREN_MAX];
	size_t count;
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

static void help(const struct team *team, bool starts)
{
	const struct shared_work *work = team->work;
	size_t item, end;

	for (size_t i = work->start_first; starts && i < work->starts; i++) {
		atomic_store(&team->shared->started, i);
		work->start(i, work->data);
	}
	if (starts)
		atomic_store(&team->shared->started, work->starts);
	while (take(team, &item, &end))
		for (; item < end; item++)
			team->shared->said[item] = work->help(item, work->data);
}

/* Nobody asks any more: a child ends with this process. */
static void start_child(struct team *team, pid_t parent)
{
	pid_t child = fork();

	if (child == 0) {
		(void)prctl(PR_SET_PDEATHSIG, SIGKILL);
		if (getppid() == parent)
			help(team, team->count == 0);
		_exit(0);
	}
	if (child > 0)
		team->children[team->count++] = child;
}

/* One at least, which can be given up where this process could not. Without a child all is done here. */
static void start_children(struct team *team)
{
	const pid_t self = getpid();
	size_t wanted = 1 + team->work->count / WORTH_IT, processors = 1;
	int ends[2];
	cpu_set_t set;

	if (sched_getaffinity(0, sizeof(set), &set) == 0)
		processors = (size_t)CPU_COUNT(&set);
	if (wanted > CHILDREN_MAX)
		wanted = CHILDREN_MAX;
	if (wanted >= processors)
		wanted = processors > 1 ? processors - 1 : 1;
	if (pipe2(ends, O_CLOEXEC) < 0)
		return;
	team->ends = ends[0];
	for (size_t i = 0; i < wanted; i++)
		start_child(team, self);
	close_fd(ends[1]);
}

/* Until all have ended, or the first is stuck. */
static size_t wait_for_end(const struct team *team)
{
	const size_t starts = team->work->starts;
	size_t at = atomic_load(&team->shared->started);
	int64_t until = now_ms() + team->work->patience_ms;
	struct pollfd poller = { .fd = team->ends, .events = POLLIN };

	for (;;) {
		int64_t left = until - now_ms();
		size_t now;

		if (poll(&poller, 1, left > 0 ? (int)left : 0) > 0)
			return starts;
		now = atomic_load(&team->shared->started);
		if (now == at && left <= 0 && at < starts)
			return at;
		if (now != at || at == starts)
			until = now_ms() + team->work->patience_ms;
		at = now;
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
	atomic_store(&team.shared->started, work->start_first);
	start_children(&team);
	r = decide_own(&team);
	*ret_stuck = stop_children(&team, r == 0);
	if (r == 0)
		r = decide_left(&team);
	shared_memory_free(team.shared, size);
	return r;
}
