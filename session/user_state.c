/* SPDX-License-Identifier: BSD-3-Clause OR GPL-2.0-or-later */
#include "session/user_state.h"

#include "common/clock.h"
#include "session/record_store.h"

#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <sys/stat.h>
#include <sys/time.h>

#define GATE_TURN   0 /* the byte whose lock lets one opening past at a time */
#define GATE_INSIDE 1 /* the byte that is read-locked by whoever is past, whether it was its turn or not */
#define PLACES_GATE 0 /* the byte whose lock keeps two openings from taking places at once; the others are places */

/* How often a wait for a lock looks at the time. */
#define LOOK_US 100000

int user_directory_open(uid_t uid)
{
	_cleanup_close_ int users = run_directory_open("users", 0700);
	char name[3 * sizeof(uid) + 1];

	if (users < 0)
		return users;
	snprintf(name, sizeof(name), "%ju", (uintmax_t)uid);
	return own_directory_open(users, name, 0700);
}

static int lock_byte(int file, int command, short type, off_t byte)
{
	struct flock lock = { .l_type = type, .l_whence = SEEK_SET, .l_start = byte, .l_len = 1 };
	int r;

	do
		r = fcntl(file, command, &lock);
	while (r < 0 && errno == EINTR);
	return r < 0 ? -errno : 0;
}

static void interrupt(int signal)
{
	(void)signal;
}

/*
 * The kernel wakes whoever waits for a lock, and a timer ends the wait: again and again, since its
 * signal may come before the wait. Both are as they were afterwards. 0; -ETIMEDOUT; -errno.
 */
static int lock_byte_within(int file, off_t byte, int timeout_ms)
{
	const struct sigaction action = { .sa_handler = interrupt };
	const struct itimerval often = { { 0, LOOK_US }, { 0, LOOK_US } };
	const int64_t deadline = now_ms() + timeout_ms;
	struct flock lock = { .l_type = F_WRLCK, .l_whence = SEEK_SET, .l_start = byte, .l_len = 1 };
	struct itimerval old_timer;
	struct sigaction old_action;
	int r = lock_byte(file, F_OFD_SETLK, F_WRLCK, byte);

	if (r != -EAGAIN && r != -EACCES)
		return r;
	if (sigaction(SIGALRM, &action, &old_action) < 0 || setitimer(ITIMER_REAL, &often, &old_timer) < 0)
		return -errno;
	do
		r = fcntl(file, F_OFD_SETLKW, &lock) < 0 ? -errno : 0;
	while (r == -EINTR && now_ms() < deadline);
	(void)setitimer(ITIMER_REAL, &old_timer, NULL);
	(void)sigaction(SIGALRM, &old_action, NULL);
	return r == -EINTR ? -ETIMEDOUT : r;
}

int user_gate_take(int directory)
{
	_cleanup_close_ int file =
		openat(directory, GATE_FILE, O_RDWR | O_CREAT | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC, 0600);
	int r;

	if (file < 0)
		return -errno;
	r = lock_byte_within(file, GATE_TURN, GATE_WAIT_MS);
	if (r == 0 || r == -ETIMEDOUT)
		r = lock_byte(file, F_OFD_SETLK, F_RDLCK, GATE_INSIDE);
	return r < 0 ? r : TAKE_FD(file);
}

bool user_gate_is_quiet(int gate)
{
	/* what the descriptor itself has locked is in nobody's way */
	struct flock lock = { .l_type = F_WRLCK, .l_whence = SEEK_SET, .l_start = GATE_INSIDE, .l_len = 1 };

	return fcntl(gate, F_OFD_GETLK, &lock) == 0 && lock.l_type == F_UNLCK;
}

/* How many places from `from` on, and before `to`, others hold. The kernel names any one lock in a range. */
static int count_held(int file, off_t from, off_t to, uint64_t *count)
{
	while (from < to) {
		struct flock lock = {
			.l_type = F_WRLCK,
			.l_whence = SEEK_SET,
			.l_start = from,
			.l_len = to - from,
		};
		int r;

		if (fcntl(file, F_OFD_GETLK, &lock) < 0)
			return -errno;
		if (lock.l_type == F_UNLCK)
			return 0;
		*count += 1;
		r = count_held(file, from, lock.l_start, count);
		/* a lock without an end is none of ours, and there is nothing behind it */
		if (r < 0 || lock.l_len == 0)
			return r;
		from = lock.l_start + lock.l_len;
	}
	return 0;
}

/* The first free place; those before it are counted. */
static int take_first_free(int file, uint64_t max, uint64_t *count)
{
	for (off_t place = PLACES_GATE + 1; *count < max; place++) {
		int r = lock_byte(file, F_OFD_SETLK, F_WRLCK, place);

		if (r == -EAGAIN || r == -EACCES) {
			*count += 1;
			continue;
		}
		if (r < 0)
			return r;
		return count_held(file, place + 1, INT64_MAX, count);
	}
	return 0;
}

int user_place_take(int directory, uint64_t max, uint64_t *ret_alive)
{
	_cleanup_close_ int file =
		openat(directory, PLACES_FILE, O_RDWR | O_CREAT | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC, 0600);
	uint64_t alive = 0;
	int r;

	if (file < 0)
		return -errno;
	/*
	 * Held for some microseconds, unless whoever holds it was stopped: then without it. There are never too many
	 * sessions, for each opening counts after it has a place; two at once may find one place too few, though.
	 */
	r = lock_byte_within(file, PLACES_GATE, PLACES_WAIT_MS);
	if (r == 0 || r == -ETIMEDOUT)
		r = take_first_free(file, max, &alive);
	if (r == 0)
		r = lock_byte(file, F_OFD_SETLK, F_UNLCK, PLACES_GATE);
	if (r < 0)
		return r;
	if (alive >= max) {
		*ret_alive = alive;
		return -EDQUOT;
	}
	return TAKE_FD(file);
}
