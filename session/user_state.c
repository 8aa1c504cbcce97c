/* SPDX-License-Identifier: BSD-3-Clause OR GPL-2.0-or-later */
#include "session/user_state.h"

#include "session/byte_lock.h"
#include "session/record_store.h"

#include <fcntl.h>
#include <limits.h>
#include <sys/stat.h>

#define GATE_TURN   0 /* the byte whose lock lets one opening past at a time */
#define GATE_INSIDE 1 /* the byte that is read-locked by whoever is past, whether it was its turn or not */
#define PLACES_GATE 0 /* the byte whose lock keeps two openings from taking places at once; the others are places */

int user_directory_open(uid_t uid)
{
	_cleanup_close_ int users = run_directory_open("users", 0700);
	char name[3 * sizeof(uid) + 1];

	if (users < 0)
		return users;
	snprintf(name, sizeof(name), "%ju", (uintmax_t)uid);
	return own_directory_open(users, name, 0700);
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
