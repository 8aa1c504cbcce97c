/* SPDX-License-Identifier: BSD-3-Clause OR GPL-2.0-or-later */
#include "session/byte_lock.h"

#include "common/clock.h"

#include <fcntl.h>
#include <signal.h>
#include <sys/time.h>

/* How often a wait for a lock looks at the time. */
#define LOOK_US 100000

int lock_byte(int file, int command, short type, off_t byte)
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
int lock_byte_within(int file, off_t byte, int timeout_ms)
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
