/* SPDX-License-Identifier: BSD-3-Clause OR GPL-2.0-or-later */
#include "tools/nested_scout.h"

#include "common/bound_child.h"
#include "common/clock.h"
#include "common/error.h"
#include "common/wait_child.h"
#include "session/syscalls.h"
#include "tools/shared_work.h"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdatomic.h>

#define SILENCE_MS 300

struct place {
	pid_t init;
	bool empty;
};

/* Shared with the child. */
struct shared {
	_Atomic size_t done; /* places that were looked at */
	struct place places[];
};

struct nested_scout {
	struct shared *shared;
	size_t size, count;
	size_t at;   /* place that is asked for next */
	pid_t child; /* until it was waited for, then 0 */
	int end;     /* of a pipe that ends with the child */
};

/*
 * Then the session has no directory of records. Whose root that was does not matter where there is none. A link on the
 * way is none of the engine's, and for those to judge who read there.
 */
static bool is_empty(pid_t init)
{
	static const struct open_how how = {
		.flags = O_PATH | O_DIRECTORY | O_CLOEXEC,
		.resolve = RESOLVE_IN_ROOT | RESOLVE_NO_SYMLINKS | RESOLVE_NO_MAGICLINKS,
	};
	char path[48];
	int records;

	(void)snprintf(path, sizeof(path), "/proc/%jd/root", (intmax_t)init);

	_cleanup_close_ int root = open(path, O_PATH | O_DIRECTORY | O_CLOEXEC);

	if (root < 0)
		return false;
	records = sys_openat2(root, &RECORD_DIRECTORY[1], &how);
	if (records < 0)
		return errno == ENOENT;
	close_fd(records);
	return false;
}

static void look(struct shared *shared, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		shared->places[i].empty = is_empty(shared->places[i].init);
		atomic_store(&shared->done, i + 1);
	}
}

static int start(struct nested_scout *scout)
{
	int ends[2];
	int r = 0;

	if (pipe2(ends, O_CLOEXEC) < 0)
		return negative_errno();
	scout->child = fork_bound_child();
	if (scout->child == 0) {
		look(scout->shared, scout->count);
		_exit(0);
	}
	if (scout->child < 0) {
		r = negative_errno();
		scout->child = 0;
	}
	close_fd(ends[1]);
	scout->end = ends[0];
	return r;
}

/* A record of a login that joined is none of a session. */
static bool is_of_interest(const struct record_view *view)
{
	return view->valid && view->alive && view->init_pid > 0 && *view->record.login == '\0' &&
	       view->record.namespaces[NAMESPACE_MOUNT] != 0;
}

int nested_scout_new(const struct record_list *records, struct nested_scout **ret)
{
	_cleanup_(nested_scout_freep) struct nested_scout *scout = calloc(1, sizeof(*scout));
	int r = 0;

	if (!scout)
		return -ENOMEM;
	scout->end = -1;
	scout->size = sizeof(struct shared) + records->count * sizeof(struct place);
	scout->shared = shared_memory_new(scout->size);
	if (!scout->shared)
		return -ENOMEM;
	for (size_t i = 0; i < records->count; i++)
		if (is_of_interest(&records->items[i]))
			scout->shared->places[scout->count++].init = records->items[i].init_pid;
	if (scout->count > 0)
		r = start(scout);
	if (r == 0)
		*ret = TAKE_PTR(scout);
	return r;
}

/* One that is killed is not waited for: it may be held up where no signal reaches it, and is init's when we end. */
static void stop(struct nested_scout *scout, bool ended)
{
	if (scout->child <= 0)
		return;
	if (!ended)
		(void)kill(scout->child, SIGKILL);
	(void)wait_child(scout->child, ended ? 0 : WNOHANG, NULL);
	scout->child = 0;
	scout->count = atomic_load(&scout->shared->done);
}

void nested_scout_wait(struct nested_scout *scout)
{
	struct pollfd poller = { .fd = scout->end, .events = POLLIN };
	int64_t until = now_ms() + SILENCE_MS;
	size_t done = 0;
	bool ended = false;

	while (scout->child > 0 && !ended) {
		const int64_t left = until - now_ms();
		const size_t now = atomic_load(&scout->shared->done);

		if (left <= 0 && now == done)
			break;
		if (now != done)
			until = now_ms() + SILENCE_MS;
		done = now;
		ended = poll(&poller, 1, left > 0 ? (int)left : 0) > 0;
	}
	stop(scout, ended);
}

bool nested_scout_is_empty(struct nested_scout *scout, pid_t init)
{
	for (size_t i = 0; i < scout->count; i++) {
		const struct place *place = &scout->shared->places[(scout->at + i) % scout->count];

		if (place->init == init) {
			scout->at = (scout->at + i + 1) % scout->count;
			return place->empty;
		}
	}
	return false;
}

struct nested_scout *nested_scout_free(struct nested_scout *scout)
{
	if (scout) {
		if (scout->shared)
			stop(scout, false);
		close_fd(scout->end);
		shared_memory_free(scout->shared, scout->size);
		free(scout);
	}
	return NULL;
}
