/* SPDX-License-Identifier: BSD-3-Clause OR GPL-2.0-or-later */

/*
 * Each namespace is tried alone, in a child of its own. Then one more child takes all of them, if each works, and a
 * child of that, PID 1 of the new PID namespace if there is one, tries what the init does there. Mounts that it makes
 * are detached, or below a root that no longer propagates: they end with it. Results come by a shared page.
 */

#include "session/probe.h"

#include "common/wait_child.h"
#include "session/syscalls.h"

#include <fcntl.h>
#include <sched.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/pidfd.h>
#include <sys/wait.h>

struct trial {
	uint32_t needs;
	int *errors;
};

/* Runs in a child. 0 or an errno. */
typedef int (*trial_fn)(const struct trial *trial, int argument);

static int error_of(long result)
{
	return result < 0 ? errno : 0;
}

static int error_of_fd(int fd)
{
	int error = error_of(fd);

	close_fd(fd);
	return error;
}

/* 0 or the errno of `function` in a child, or of making that. */
static int in_child(trial_fn function, const struct trial *trial, int argument)
{
	pid_t child = fork();
	int status, r;

	if (child < 0)
		return errno;
	if (child == 0)
		_exit(function(trial, argument));
	r = wait_child(child, 0, &status);
	if (r < 0)
		return -r;
	return WIFEXITED(status) ? WEXITSTATUS(status) : EIO;
}

static int nothing(const struct trial *trial, int argument)
{
	(void)trial;
	(void)argument;
	return 0;
}

/* The fork is what a PID namespace is first needed for. */
static int make_namespace(const struct trial *trial, int flag)
{
	return unshare(flag) < 0 ? errno : in_child(nothing, trial, 0);
}

/* A size of 0 is refused with EINVAL by a kernel that has the call. */
static int try_clone3(void)
{
	return syscall(SYS_clone3, NULL, 0) < 0 && errno != EINVAL ? errno : 0;
}

static int try_filesystem(const char *type)
{
	_cleanup_close_ int context = fsopen(type, FSOPEN_CLOEXEC);

	if (context < 0 || fsconfig(context, FSCONFIG_CMD_CREATE, NULL, NULL, 0) < 0)
		return errno;
	return error_of_fd(fsmount(context, FSMOUNT_CLOEXEC, MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV));
}

/* In our own mount namespace, as the init does it: afterwards no mount of ours reaches the host. */
static int try_propagation(void)
{
	struct mount_attr attributes = { .propagation = MS_SLAVE };

	return error_of(mount_setattr(AT_FDCWD, "/", AT_RECURSIVE, &attributes, sizeof(attributes)));
}

/* A copy of the host's root, moved over it. */
static int try_move(const struct trial *trial)
{
	_cleanup_close_ int tree = open_tree(AT_FDCWD, "/", OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC | AT_RECURSIVE);

	if (trial->needs & probe_bit(PROBE_OPEN_TREE))
		trial->errors[PROBE_OPEN_TREE] = error_of(tree);
	if (tree < 0)
		return PROBE_UNTRIED;
	return error_of(move_mount(tree, "", AT_FDCWD, "/", MOVE_MOUNT_F_EMPTY_PATH));
}

static void try_one(const struct trial *trial, enum probe probe, int error)
{
	if (trial->needs & probe_bit(probe))
		trial->errors[probe] = error;
}

static int try_mounts(const struct trial *trial, int argument)
{
	int propagation = try_propagation();

	(void)argument;
	try_one(trial, PROBE_PROPAGATION, propagation);
	try_one(trial, PROBE_PROC, try_filesystem("proc"));
	try_one(trial, PROBE_SYSFS, try_filesystem("sysfs"));
	try_one(trial, PROBE_TMPFS, try_filesystem("tmpfs"));
	try_one(trial, PROBE_MQUEUE, try_filesystem("mqueue"));
	/* without it the move would show outside */
	if (propagation == 0)
		try_one(trial, PROBE_MOVE_MOUNT, try_move(trial));
	return 0;
}

static int try_inside(const struct trial *trial, int flags)
{
	/* what is mounted, is mounted outside of the user namespace */
	return unshare(flags & ~CLONE_NEWUSER) < 0 ? errno : in_child(try_mounts, trial, 0);
}

static void try_all(const struct trial *trial)
{
	bool complete = true;
	int flags = 0;

	for (int kind = 0; kind < NAMESPACE_KINDS; kind++) {
		const int flag = namespace_table[kind].clone_flag;

		if (!(trial->needs & probe_bit(PROBE_NAMESPACE + kind)))
			continue;
		trial->errors[PROBE_NAMESPACE + kind] = in_child(make_namespace, trial, flag);
		complete = complete && trial->errors[PROBE_NAMESPACE + kind] == 0;
		flags |= flag;
	}
	try_one(trial, PROBE_CLONE3, try_clone3());
	try_one(trial, PROBE_PIDFD, error_of_fd(pidfd_open(getpid(), 0)));
	try_one(trial, PROBE_OPENAT2, error_of_fd(open_directory_nofollow("/")));
	/* sysfs needs its own network namespace, mqueue an IPC and proc a PID namespace */
	if (complete && (flags & CLONE_NEWNS))
		(void)in_child(try_inside, trial, flags);
}

int probe_kernel(uint32_t needs, int ret_errors[PROBES])
{
	const size_t size = sizeof(int) * PROBES;
	struct trial trial = { .needs = needs };

	trial.errors = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (trial.errors == MAP_FAILED)
		return -errno;
	for (int i = 0; i < PROBES; i++)
		trial.errors[i] = PROBE_UNTRIED;
	try_all(&trial);
	for (int i = 0; i < PROBES; i++)
		ret_errors[i] = trial.errors[i];
	(void)munmap(trial.errors, size);
	return 0;
}
