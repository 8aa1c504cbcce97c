/* SPDX-License-Identifier: BSD-3-Clause OR GPL-2.0-or-later */
#include "session/counters.h"

#include "session/record_store.h"
#include "session/syscalls.h"

#include <fcntl.h>
#include <linux/futex.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/stat.h>

#define RUN_DIRECTORY "/run"
#define ROOT_NAME     (&RECORD_ROOT[sizeof(RUN_DIRECTORY)])

/* -EXDEV: the directory is a mount of its own, a session's. Nothing is asked of what is mounted there. */
static int open_below(int run, const char *path, int flags)
{
	const struct open_how how = {
		.flags = (uint64_t)(flags | O_CLOEXEC),
		.resolve = RESOLVE_BENEATH | RESOLVE_NO_XDEV | RESOLVE_NO_SYMLINKS | RESOLVE_NO_MAGICLINKS,
	};
	int fd = sys_openat2(run, path, &how);

	return fd < 0 ? -errno : fd;
}

static int open_file(int run)
{
	return open_below(run, &RECORD_ROOT "/" COUNTERS_NAME[sizeof(RUN_DIRECTORY)], O_RDWR | O_NONBLOCK | O_NOCTTY);
}

/* As the helper makes it, whatever this program's umask(2): chmod(2) is between root and root. */
static int open_root(int run)
{
	if (mkdirat(run, ROOT_NAME, 0755) == 0)
		(void)!fchmodat(run, ROOT_NAME, 0755, 0);
	return open_below(run, ROOT_NAME, O_RDONLY | O_DIRECTORY);
}

/* True where write(2) would be answered by SIGXFSZ, which is not ours to handle in a foreign program. */
static bool may_not_write(void)
{
	struct rlimit limit;

	return getrlimit(RLIMIT_FSIZE, &limit) < 0 || limit.rlim_cur < COUNTERS_SIZE;
}

/* Whole before it has a name, with every byte written: memory that is full then is no surprise later. */
static void make_file(int run)
{
	_cleanup_close_ int root = -1;
	_cleanup_close_ int file = -1;
	_cleanup_free_ char *bytes = calloc(1, COUNTERS_SIZE);

	if (!bytes || may_not_write())
		return;
	root = open_root(run);
	file = root < 0 ? root : record_file_new(root);
	if (file < 0)
		return;
	memcpy(bytes, COUNTERS_MAGIC, sizeof(COUNTERS_MAGIC));
	if (fchmod(file, 0600) < 0 || write(file, bytes, COUNTERS_SIZE) != COUNTERS_SIZE)
		return;
	/* tolerates EEXIST: another login was first */
	(void)!record_publish(root, file, COUNTERS_NAME);
}

static bool is_ours(int file)
{
	struct stat status;

	return fstat(file, &status) == 0 && S_ISREG(status.st_mode) && status.st_uid == 0 && !(status.st_mode & 077) &&
	       status.st_size == COUNTERS_SIZE;
}

/*
 * Tolerates every error, in whatever call: no /run, a full or read-only one, a file that is not ours, no descriptor or
 * memory to be had. The login is then not counted, and nothing else changes.
 */
void counters_open(struct counters *counters)
{
	_cleanup_close_ int run = open(RUN_DIRECTORY, O_PATH | O_DIRECTORY | O_CLOEXEC);
	_cleanup_close_ int file = -1;
	void *page;

	counters->tried = true;
	if (run < 0)
		return;
	file = open_file(run);
	if (file == -ENOENT) {
		make_file(run);
		file = open_file(run);
	}
	if (file < 0 || !is_ours(file))
		return;
	page = mmap(NULL, COUNTERS_SIZE, PROT_READ | PROT_WRITE, MAP_SHARED, file, 0);
	if (page != MAP_FAILED)
		counters->numbers = (uint32_t *)page + COUNTERS_HEADER_SIZE / sizeof(uint32_t);
}

/*
 * FUTEX_WAKE_OP of futex(2), for its addition alone: nobody waits. The kernel reaches the page for us, so that a file
 * which somebody has cut short meanwhile, or memory that is full, is EFAULT and not a SIGBUS in the login program.
 * Tolerated: one login is not counted.
 */
void counters_add(struct counters *counters, enum counter counter)
{
	uint32_t *number;

	if (!counters->tried)
		counters_open(counters);
	if (!counters->numbers)
		return;
	number = &counters->numbers[counter];
	(void)syscall(SYS_futex, number, FUTEX_WAKE_OP | FUTEX_PRIVATE_FLAG, 0, NULL, number,
		      FUTEX_OP(FUTEX_OP_ADD, 1, FUTEX_OP_CMP_LT, 0));
}

void counters_add_once(enum counter counter)
{
	struct counters counters = { 0 };

	counters_add(&counters, counter);
	counters_release(&counters);
}

enum counter counter_of_outcome(enum outcome outcome, bool optional)
{
	switch (outcome) {
	case OUTCOME_OFF:
		return COUNTER_PASSED_OFF;
	case OUTCOME_NO_POLICY:
		return optional ? COUNTER_PASSED_NO_POLICY : COUNTER_REFUSED_NO_POLICY;
	case OUTCOME_SYSTEM_USER:
		return COUNTER_PASSED_SYSTEM_USER;
	case OUTCOME_USER_MANAGER:
		return COUNTER_PASSED_USER_MANAGER;
	case OUTCOME_AUDIT:
		return COUNTER_PASSED_AUDIT;
	case OUTCOME_DENIED:
		return COUNTER_REFUSED_DENIED;
	case OUTCOME_FULL:
		return COUNTER_REFUSED_LIMIT;
	case OUTCOME_REFUSED:
		return COUNTER_REFUSED_POLICY;
	case OUTCOME_OPENED:
	case OUTCOME_FAILED:
	case OUTCOME_LIMITS:
	default:
		return COUNTER_REFUSED_FAILED;
	}
}

void counters_release(struct counters *counters)
{
	if (counters->numbers)
		(void)munmap(counters->numbers - COUNTERS_HEADER_SIZE / sizeof(uint32_t), COUNTERS_SIZE);
	*counters = (struct counters){ 0 };
}
